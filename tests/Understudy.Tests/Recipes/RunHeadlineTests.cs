using Understudy.Cli;
using Understudy.Evaluation;
using Understudy.Recipes;

namespace Understudy.Tests.Recipes;

public sealed class RunHeadlineTests
{
    private static readonly EvaluationOptions Options = new() { BootstrapResamples = 0 };

    [Fact]
    public void A_run_of_one_repeat_reads_as_it_came_out()
    {
        ArmResult[] arms = [Arm("seeds_only", 1, 50), Arm("annotated", 1, 70), Arm("generated", 1, 52), Arm("both", 1, 30)];
        var result = new RunResult(12, null, null, Test(90), null, null, arms,
            [Compared("annotated", [70], [50]), Compared("generated", [52], [50]), Compared("both", [30], [50]), Compared("teacher", [90], [50])]);
        Assert.Equal(
            """
            model    trained on  rows  accuracy  95% interval  macro-F1  to seeds_only       p
            teacher  seeds_only    12     90.0%   82.6%-94.5%     47.4%
            student  seeds_only    12     50.0%   40.4%-59.6%     33.3%
            student  annotated     12     70.0%   60.4%-78.1%     41.2%          +20.0  <0.001
            student  generated     12     52.0%   42.3%-61.5%     34.2%           +2.0   0.500
            student  both          12     30.0%   21.9%-39.6%     23.1%          -20.0  <0.001
            student: annotated helped (+20.0 points, p < 0.001); generated made no difference beyond noise (+2.0 points, p = 0.500); both hurt (-20.0 points, p < 0.001); the teacher is better than seeds_only (+40.0 points, p < 0.001).
            Differences are to seeds_only, in points of accuracy; p is McNemar's exact test over 100 test rows. One training each: other seeds may give other figures.
            runs/x
            """, RunTable.Of(result, "runs/x"));
    }

    [Fact]
    public void Several_repeats_have_their_own_interval_and_legend()
    {
        ArmResult[] arms = [Arm("seeds_only", 1, 50), Arm("seeds_only", 2, 52), Arm("both", 1, 60), Arm("both", 2, 61)];
        var result = new RunResult(12, null, null, null, null, null, arms, [Compared("both", [60, 61], [50, 52])]);
        var rows = RunHeadline.Rows(result);
        Assert.Equal([2, 2], rows.Select(row => row.Repeats));
        Assert.Equal(0.605, rows[1].Accuracy!.Value, 12);
        Assert.Equal(ConfidenceInterval.OfMean([0.60, 0.61]), rows[1].Interval);
        Assert.Equal(["student: both helped (+9.5 points, p = 0.033)."], RunHeadline.Sentences(result));
        Assert.Equal("Differences are to seeds_only, in points of accuracy; p is the larger of two paired t tests, over 100 test rows and over 2 repeats. Intervals of students are Student's t over their repeats: where other seeds may lie, not other test rows.", RunHeadline.Legend(result));
        // Two values far apart: the interval would lie beyond what an accuracy can be.
        var wide = RunHeadline.Rows(result with { Arms = [Arm("both", 1, 5), Arm("both", 2, 95)] });
        Assert.Equal(new ConfidenceInterval(0, 1), wide[0].Interval);
    }

    [Fact]
    public void What_cannot_be_said_is_said()
    {
        var nothing = new RunResult(12, null, null, null, null, null, [Arm("both", 1, 50) with { Test = null }], []);
        Assert.Equal(["There are no test rows, so nothing says which model is better. Name some in 'data.test', or hold some out with 'data.split.test'."], RunHeadline.Sentences(nothing));
        Assert.Equal("model    trained on  rows\nstudent  both          12\n" + RunHeadline.Sentences(nothing)[0] + "\nx", RunTable.Of(nothing, "x"));
        Assert.Equal(["student: nothing says whether its arms helped, since 'arms' lacks seeds_only."], RunHeadline.Sentences(nothing with { Arms = [Arm("both", 1, 50)] }));
        Assert.Empty(RunHeadline.Sentences(nothing with { Arms = [Arm("seeds_only", 1, 50)] }));
        Assert.Empty(RunHeadline.Sentences(nothing with { Arms = [] }));
    }

    [Fact]
    public void An_arm_without_synthetic_rows_says_nothing_of_them()
    {
        var none = new SynthesisResult(3, new Dictionary<string, int> { ["too_short"] = 3 }, null, null);
        var some = new SynthesisResult(3, new Dictionary<string, int> { ["kept"] = 3 }, null, null);
        ArmResult[] arms = [Arm("seeds_only", 1, 50), Arm("annotated", 1, 50), Arm("generated", 1, 50), Arm("both", 1, 50)];
        ArmComparison[] compared = [Compared("annotated", [50], [50]), Compared("generated", [50], [50]), Compared("both", [50], [50])];
        const string Nothing = "has no synthetic rows, since none was kept, so it is seeds_only again (0.0 points, p = 1.000)", NoDifference = "made no difference beyond noise (0.0 points, p = 1.000)";
        Assert.Equal([$"student: annotated {NoDifference}; generated {Nothing}; both {NoDifference}."], RunHeadline.Sentences(new RunResult(12, null, null, null, some, none, arms, compared)));
        Assert.Equal([$"student: annotated {Nothing}; generated {Nothing}; both {Nothing}."], RunHeadline.Sentences(new RunResult(12, null, null, null, none, none, arms, compared)));
    }

    [Theory]
    [InlineData(0.0004, "0.0")]
    [InlineData(-0.0004, "0.0")]
    [InlineData(-0.062, "-6.2")]
    [InlineData(0.5, "+50.0")]
    public void A_difference_of_nothing_has_no_sign(double value, string points) => Assert.Equal(points, FigureText.Points(value));

    private static ArmResult Arm(string arm, int repeat, int right) => new("student", arm, repeat, 12, Test(right));

    private static EvaluationResult Test(int right) =>
        EvaluationResult.Of(["a", "b"], new int[100], [.. Rights(right).Select(one => one ? new[] { 1.0, 0 } : [0, 1.0])], Options, 1);

    private static ArmComparison Compared(string arm, int[] with, int[] without) =>
        ArmComparison.Of("student", arm, [.. with.Select(Rights)], [.. without.Select(Rights)], Options, 1);

    private static bool[] Rights(int right) => [.. Enumerable.Range(0, 100).Select(row => row < right)];
}
