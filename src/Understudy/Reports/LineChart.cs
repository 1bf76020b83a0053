using static Understudy.Reports.NumberText;

namespace Understudy.Reports;

/// <summary>One curve.</summary>
/// <param name="Name">What it is of, for screen readers.</param>
/// <param name="Points">Places in order of x. Where y is not finite the curve has a gap.</param>
/// <param name="Colour">Number of its colour and dashes, from 0.</param>
internal sealed record LineChartCurve(string Name, IReadOnlyList<(double X, double Y)> Points, int Colour);

/// <summary>Curves over the same straight scales.</summary>
internal static class LineChart
{
    private const double Width = 380, Height = 232, Left = 54, Right = 12, Top = 12, Bottom = 40;

    // A picture may stand on a page of any colour, so it brings its own paper.
    private const string PictureStyle = """
        .paper { fill: #fff; } text { fill: #566069; font: 12px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; } .grid { stroke: #e0e4e8; }
        .curve { fill: none; stroke-linejoin: round; stroke-width: 1.2; } .s0 { stroke: #8fc1ea; stroke-width: 4; } .s1 { stroke: #9c3b00; }
        .s2 { stroke: #0b7a62; } .s3 { stroke: #7a3e9d; } .s4 { stroke: #1b2127; } .s5 { stroke: #9c2b4b; }
        """;

    /// <summary>Draws them.</summary>
    /// <param name="page">Takes it.</param>
    /// <param name="title">What it shows.</param>
    /// <param name="xName">What the x axis is of, with its unit.</param>
    /// <param name="yName">What the y axis is of, with its unit.</param>
    /// <param name="curves">At least one finite point in all.</param>
    /// <param name="share">Whether y is a share, shown in per cent.</param>
    /// <param name="fromZero">Whether the y axis holds 0.</param>
    public static void Draw(HtmlWriter page, string title, string xName, string yName, IReadOnlyList<LineChartCurve> curves, bool share = false, bool fromZero = true)
    {
        using var svg = page.Open("svg", ("class", "lines"), ("role", "img"), ("viewBox", ViewBox), ("focusable", "false"));
        Content(page, title, xName, yName, curves, share, fromZero);
    }

    /// <summary>The same as a picture by itself, an SVG file, with the names of the curves where there are several.</summary>
    /// <param name="title">What it shows.</param>
    /// <param name="xName">What the x axis is of, with its unit.</param>
    /// <param name="yName">What the y axis is of, with its unit.</param>
    /// <param name="curves">At least one finite point in all. That of colour 0 is drawn wide, for others to lie on it; colours go up to 5.</param>
    /// <param name="fromZero">Whether the y axis holds 0.</param>
    public static string Picture(string title, string xName, string yName, IReadOnlyList<LineChartCurve> curves, bool fromZero = true)
    {
        using var text = new StringWriter();
        var page = new HtmlWriter(text, isPage: false);
        using (page.Open("svg", ("xmlns", "http://www.w3.org/2000/svg"), ("width", Place(2 * Width)), ("height", Place(2 * Height)), ("viewBox", ViewBox), ("class", "lines")))
        {
            page.Style(PictureStyle);
            page.Empty("rect", ("class", "paper"), ("width", Place(Width)), ("height", Place(Height)));
            Content(page, title, xName, yName, curves, share: false, fromZero);
            foreach (var (curve, i) in curves.Count > 1 ? curves.Select((curve, i) => (curve, i)) : [])
            {
                var y = Top + 12 + (18 * i);
                page.Empty("line", ("class", $"curve s{curve.Colour}"), ("x1", Place(Width - 110)), ("x2", Place(Width - 82)), ("y1", Place(y)), ("y2", Place(y)));
                page.Leaf("text", curve.Name, ("x", Place(Width - 76)), ("y", Place(y + 4)));
            }
        }
        return text.ToString() + "\n";
    }

    private static string ViewBox => $"0 0 {Place(Width)} {Place(Height)}";

    private static void Content(HtmlWriter page, string title, string xName, string yName, IReadOnlyList<LineChartCurve> curves, bool share, bool fromZero)
    {
        var finite = curves.SelectMany(curve => curve.Points).Where(point => double.IsFinite(point.Y)).ToArray();
        var xs = Axis.Over(0, finite.Max(point => point.X), 5);
        var ys = Axis.Over(fromZero ? Math.Min(0, finite.Min(point => point.Y)) : finite.Min(point => point.Y), finite.Max(point => point.Y), 5);
        page.Leaf("title", title);
        page.Leaf("desc", string.Join("; ", curves.Where(curve => curve.Points.Count > 0).Select(curve =>
            $"{VisibleText.Cut(curve.Name, 80)}: from {Value(curve.Points[0].Y)} to {Value(curve.Points[^1].Y)}")));
        foreach (var mark in ys.Marks)
        {
            page.Empty("line", ("class", "grid"), ("x1", Place(Left)), ("x2", Place(Width - Right)), ("y1", Y(mark)), ("y2", Y(mark)));
            page.Leaf("text", share ? Percent(mark).Replace(".0%", "%", StringComparison.Ordinal) : ys.Label(mark), ("class", "tick"), ("x", Place(Left - 6)), ("y", Place(YAt(mark) + 4)), ("text-anchor", "end"));
        }
        foreach (var mark in xs.Marks)
        {
            page.Empty("line", ("class", "grid"), ("x1", X(mark)), ("x2", X(mark)), ("y1", Place(Height - Bottom)), ("y2", Place(Height - Bottom + 4)));
            page.Leaf("text", xs.Label(mark), ("class", "tick"), ("x", X(mark)), ("y", Place(Height - Bottom + 16)), ("text-anchor", "middle"));
        }
        page.Leaf("text", xName, ("class", "axis"), ("x", Place(Left + ((Width - Left - Right) / 2))), ("y", Place(Height - 6)), ("text-anchor", "middle"));
        page.Leaf("text", yName, ("class", "axis"), ("x", "0"), ("y", "0"), ("text-anchor", "middle"), ("transform", $"translate(11 {Place(Top + ((Height - Top - Bottom) / 2))}) rotate(-90)"));
        foreach (var curve in curves)
        {
            foreach (var piece in Pieces(curve.Points))
            {
                if (piece.Count > 1)
                    page.Empty("polyline", ("class", $"curve s{curve.Colour}"), ("points", string.Join(' ', piece.Select(point => $"{X(point.X)},{Y(point.Y)}"))));
                else
                    page.Empty("circle", ("class", $"dot f{curve.Colour}"), ("cx", X(piece[0].X)), ("cy", Y(piece[0].Y)), ("r", "4"));
            }
        }

        string Value(double y) => share ? Percent(y) : Short(y);
        string X(double x) => Place(Left + ((Width - Left - Right) * xs.At(x)));
        string Y(double y) => Place(YAt(y));
        double YAt(double y) => Height - Bottom - ((Height - Top - Bottom) * ys.At(y));
    }

    /// <summary>At most <paramref name="most"/> points: the means of as many stretches of equal length in x.</summary>
    /// <param name="points">Places in order of x.</param>
    /// <param name="most">At least 1.</param>
    public static IReadOnlyList<(double X, double Y)> Thinned(IReadOnlyList<(double X, double Y)> points, int most)
    {
        if (points.Count <= most)
            return points;
        var (first, last) = (points[0].X, points[^1].X);
        return
        [
            .. points.GroupBy(point => last > first ? Math.Min(most - 1, (int)((point.X - first) / (last - first) * most)) : 0)
                .Select(stretch => (stretch.Average(point => point.X), stretch.Average(point => point.Y))),
        ];
    }

    private static IEnumerable<List<(double X, double Y)>> Pieces(IReadOnlyList<(double X, double Y)> points)
    {
        var piece = new List<(double X, double Y)>();
        foreach (var point in points)
        {
            if (double.IsFinite(point.Y) && double.IsFinite(point.X))
            {
                piece.Add(point);
            }
            else if (piece.Count > 0)
            {
                yield return piece;
                piece = [];
            }
        }
        if (piece.Count > 0)
            yield return piece;
    }
}
