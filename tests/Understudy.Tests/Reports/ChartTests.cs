using System.Xml.Linq;
using Understudy.Reports;

namespace Understudy.Tests.Reports;

public sealed class ChartTests
{
    [Theory]
    [InlineData(0, 7.3, 5, "0 2 4 6 8")]
    [InlineData(0.571, 0.836, 5, "0.5 0.6 0.7 0.8 0.9")]
    [InlineData(0.571, 0.836, 6, "0.55 0.60 0.65 0.70 0.75 0.80 0.85")]
    [InlineData(0, 120000, 5, "0 50k 100k 150k")]
    [InlineData(3, 3, 5, "3.000000 3.000001")]
    [InlineData(-2, 2, 4, "-2 -1 0 1 2")]
    public void An_axis_has_round_marks(double lowest, double highest, int marks, string expected)
    {
        var axis = Axis.Over(lowest, highest, marks);
        Assert.Equal(expected, string.Join(' ', axis.Marks.Select(axis.Label)));
        Assert.InRange(axis.At(lowest), 0, 1);
        Assert.InRange(axis.At(highest), axis.At(lowest), 1);
    }

    [Theory]
    [InlineData(-1e300, 1e300)]
    [InlineData(0, 1e-300)]
    [InlineData(0, 1e15)]
    public void An_axis_of_wild_numbers_has_few_marks(double lowest, double highest) => Assert.InRange(Axis.Over(lowest, highest, 5).Marks.Count(), 2, 12);

    [Fact]
    public void A_long_curve_is_thinned_to_means()
    {
        var thin = LineChart.Thinned([.. Enumerable.Range(0, 1000).Select(i => ((double)i, (double)(i % 2)))], 100);
        Assert.Equal(100, thin.Count);
        Assert.All(thin, point => Assert.Equal(0.5, point.Y, 0.06));
        Assert.Equal(thin.Select(point => point.X).Order(), thin.Select(point => point.X));
        Assert.Equal(3, LineChart.Thinned([(1, 1), (2, 2), (3, 3)], 3).Count);
    }

    [Fact]
    public void A_curve_has_a_gap_where_a_value_is_not_finite()
    {
        var svg = Drawn(page => LineChart.Draw(page, "t", "x", "y", [new("c", [(0, 1), (1, 2), (2, double.NaN), (3, 1), (4, double.PositiveInfinity), (5, 1), (6, 2)], 0)]));
        Assert.Equal(2, svg.Elements("polyline").Count());
        Assert.Single(svg.Elements("circle"));
    }

    [Fact]
    public void Intervals_stand_in_proportion()
    {
        var svg = Drawn(page => IntervalChart.Draw(page, "t", "accuracy", [new("a", 0.5, 0.4, 0.6, 0), new("b", 0.8, 0.6, 1, 1)], 0.6));
        double X(XElement element, string name) => double.Parse(element.Attribute(name)!.Value.TrimEnd('%'));
        var whiskers = svg.Elements("line").Where(line => line.Attribute("class")!.Value.StartsWith("whisker", StringComparison.Ordinal)).ToArray();
        Assert.Equal((3.5, 34.5), (X(whiskers[0], "x1"), X(whiskers[0], "x2")));
        Assert.Equal((34.5, 96.5), (X(whiskers[1], "x1"), X(whiskers[1], "x2")));
        Assert.Equal(34.5, X(svg.Elements("line").Single(line => line.Attribute("class")!.Value == "reference"), "x1"));
        Assert.Equal([19, 65.5], svg.Elements("circle").Select(dot => X(dot, "cx")));
    }

    [Theory]
    [InlineData(0.6234, "62.3%", "+62.3")]
    [InlineData(-0.0149, "-1.5%", "−1.5")]
    [InlineData(0.0004, "0.0%", "0.0")]
    [InlineData(double.NaN, "–", "–")]
    public void Shares_and_differences_have_one_digit(double value, string percent, string points) => Assert.Equal((percent, points), (NumberText.Percent(value), NumberText.Points(value)));

    [Theory]
    [InlineData(59.6, "1:00")]
    [InlineData(3723, "1:02:03")]
    [InlineData(double.NaN, "–")]
    public void Durations_read_like_a_clock(double seconds, string expected) => Assert.Equal(expected, NumberText.Duration(seconds));

    private static XElement Drawn(Action<HtmlWriter> draw)
    {
        using var output = new StringWriter();
        draw(new HtmlWriter(output));
        return XElement.Parse(output.ToString()["<!DOCTYPE html>\n".Length..]);
    }
}
