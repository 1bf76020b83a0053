using Understudy.Data;
using Understudy.Evaluation;

namespace Understudy.Tests.Evaluation;

public sealed class BootstrapTests
{
    [Fact]
    public void Equal_seeds_give_equal_intervals_and_others_do_not()
    {
        var values = Rights(200, 0.7);
        var one = Bootstrap.OfMean(values, 500, new SeededRandom(3));
        Assert.Equal(one, Bootstrap.OfMean(values, 500, new SeededRandom(3)));
        Assert.NotEqual(one, Bootstrap.OfMean(values, 500, new SeededRandom(4)));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(400)]
    [InlineData(1600)]
    public void The_interval_of_an_accuracy_is_near_that_of_the_normal_distribution(int rows)
    {
        var interval = Bootstrap.OfMean(Rights(rows, 0.8), 4000, new SeededRandom(1));
        var margin = 1.96 * Math.Sqrt(0.8 * 0.2 / rows);
        Assert.Equal(0.8 - margin, interval.Lower, 0.15 * margin);
        Assert.Equal(0.8 + margin, interval.Upper, 0.15 * margin);
    }

    [Fact]
    public void Cases_that_can_be_told_by_hand()
    {
        Assert.Equal(new ConfidenceInterval(1, 1), Bootstrap.OfMean([1, 1, 1], 100, new SeededRandom(1)));
        Assert.Equal(new ConfidenceInterval(-0.5, -0.5), Bootstrap.OfMean([-0.5], 100, new SeededRandom(1)));
        // Of two rows, one right, a resample has 0, 1 or 2 right in 1, 2 and 1 of 4 cases.
        Assert.Equal(new ConfidenceInterval(0, 1), Bootstrap.OfMean([0, 1], 1000, new SeededRandom(1)));
        Assert.Equal(new ConfidenceInterval(0.5, 0.5), Bootstrap.OfMean([0, 1], 1000, new SeededRandom(1), 0.3));
    }

    [Fact]
    public void A_rare_class_does_not_pull_the_macro_F1_down_by_being_missed_by_a_resample()
    {
        // The one row of class 1 is in no resample in a third of the cases. Class 2 has no row at all and counts as 0.
        Assert.Equal(new ConfidenceInterval(1, 1), Bootstrap.OfMacroF1([0, 0, 0, 1], [0, 0, 0, 1], 2, 200, new SeededRandom(1)));
        Assert.Equal(new ConfidenceInterval(0.5, 2 / 3.0), Bootstrap.OfMacroF1([0, 0, 0, 1], [0, 0, 0, 1], 3, 200, new SeededRandom(1)));
    }

    [Fact]
    public void The_interval_of_the_macro_F1_has_the_figure_in_it_and_shrinks_with_rows()
    {
        var widths = new List<double>();
        foreach (var rows in new[] { 100, 400, 1600 })
        {
            int[] labels = [.. Enumerable.Range(0, rows).Select(row => row % 4)];
            int[] predictions = [.. labels.Select((label, row) => row / 4 % 5 == 0 ? (label + 1) % 4 : label)];
            var interval = Bootstrap.OfMacroF1(labels, predictions, 4, 500, new SeededRandom(2));
            Assert.InRange(ClassificationMetrics.Compute(labels, predictions, 4).MacroF1, interval.Lower, interval.Upper);
            widths.Add(interval.Upper - interval.Lower);
        }
        Assert.InRange(widths[0] / widths[1], 1.6, 2.4);
        Assert.InRange(widths[1] / widths[2], 1.6, 2.4);
    }

    [Fact]
    public void Faulty_input_is_refused()
    {
        var random = new SeededRandom(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => Bootstrap.OfMean([], 100, random));
        Assert.Throws<ArgumentOutOfRangeException>(() => Bootstrap.OfMean([1], 99, random));
        Assert.Throws<ArgumentOutOfRangeException>(() => Bootstrap.OfMean([1], 100, random, 1));
        Assert.Equal("Expected finite values. (Parameter 'values')", Assert.Throws<ArgumentException>(() => Bootstrap.OfMean([double.NaN], 100, random)).Message);
        Assert.Throws<ArgumentException>(() => Bootstrap.OfMacroF1([0, 1], [0], 2, 100, random));
        Assert.Equal(
            ["bootstrap_resamples: expected a value from 100 to 1000000, found 99."],
            new EvaluationOptions { BootstrapResamples = 99 }.Validate().Select(fault => $"{fault.KeyPath}: {fault.Message}"));
        Assert.Empty(new EvaluationOptions { BootstrapResamples = 0 }.Validate());
    }

    private static double[] Rights(int rows, double share) => [.. Enumerable.Range(0, rows).Select(row => row < share * rows ? 1.0 : 0.0)];
}
