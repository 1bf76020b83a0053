using static Understudy.Reports.NumberText;

namespace Understudy.Reports;

/// <summary>One value of an interval chart.</summary>
/// <param name="Name">What it is of.</param>
/// <param name="Value">From 0 to 1.</param>
/// <param name="Lower">The lower end of its interval.</param>
/// <param name="Upper">The upper end.</param>
/// <param name="Colour">Number of its colour, from 0.</param>
internal sealed record IntervalChartValue(string Name, double Value, double Lower, double Upper, int Colour);

/// <summary>Shares with their intervals: a dot and a line for each, under each other, with a reference to compare them with.</summary>
internal static class IntervalChart
{
    private const int RowHeight = 46, Top = 6, Bottom = 34;

    /// <summary>Draws it as wide as its place; text and dots keep their size.</summary>
    /// <param name="page">Takes it.</param>
    /// <param name="title">What a screen reader says first.</param>
    /// <param name="axisName">What the scale is of.</param>
    /// <param name="values">At least one, each number finite.</param>
    /// <param name="reference">Where the dashed line stands; null for none.</param>
    public static void Draw(HtmlWriter page, string title, string axisName, IReadOnlyList<IntervalChartValue> values, double? reference)
    {
        var axis = Axis.Over(Math.Max(0, values.Min(value => value.Lower)), Math.Min(1, values.Max(value => value.Upper)), 6);
        var bottom = Top + (values.Count * RowHeight);
        using var svg = page.Open("svg", ("class", "intervals"), ("role", "img"), ("width", "100%"), ("height", Place(bottom + Bottom)), ("focusable", "false"));
        page.Leaf("title", title);
        page.Leaf("desc", string.Join("; ", values.Select(value => $"{VisibleText.Cut(value.Name, 80)}: {Percent(value.Value)}, interval {PercentRange(value.Lower, value.Upper)}")));
        foreach (var mark in axis.Marks)
        {
            Vertical("grid", axis.At(mark), bottom);
            page.Leaf("text", Percent(mark).Replace(".0%", "%", StringComparison.Ordinal), ("class", "tick"), ("x", X(axis.At(mark))), ("y", Place(bottom + 14)), ("text-anchor", "middle"));
        }
        page.Leaf("text", axisName, ("class", "axis"), ("x", "50%"), ("y", Place(bottom + 30)), ("text-anchor", "middle"));
        if (reference is { } line)
            Vertical("reference", axis.At(line), bottom);
        for (var row = 0; row < values.Count; row++)
        {
            var value = values[row];
            var y = Place(Top + (row * RowHeight) + 31);
            page.Leaf("text", VisibleText.Cut(value.Name, 48), ("class", "name"), ("x", "0"), ("y", Place(Top + (row * RowHeight) + 16)));
            page.Leaf("text", Percent(value.Value), ("class", "value"), ("x", "100%"), ("y", Place(Top + (row * RowHeight) + 16)), ("text-anchor", "end"));
            page.Empty("line", ("class", $"whisker s{value.Colour}"), ("x1", X(axis.At(value.Lower))), ("x2", X(axis.At(value.Upper))), ("y1", y), ("y2", y));
            page.Empty("circle", ("class", $"dot f{value.Colour}"), ("cx", X(axis.At(value.Value))), ("cy", y), ("r", "6"));
        }

        void Vertical(string kind, double at, int end) => page.Empty("line", ("class", kind), ("x1", X(at)), ("x2", X(at)), ("y1", Place(Top)), ("y2", Place(end)));
    }

    // Room for half a label at either end.
    private static string X(double share) => PlacePercent(0.035 + (0.93 * share));
}
