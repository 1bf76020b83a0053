using System.Text.Json;
using Understudy.Evaluation;
using Understudy.Recipes;

namespace Understudy.Tests.Recipes;

public sealed class ArmComparisonTests
{
    private static readonly EvaluationOptions Options = new() { BootstrapResamples = 500 };

    [Fact]
    public void One_repeat_is_decided_by_McNemars_test()
    {
        using var golden = JsonDocument.Parse(File.ReadAllText("Fixtures/metrics/statistics.json"));
        bool[] Answers(string key) => [.. golden.RootElement.GetProperty(key).EnumerateArray().Select(answer => answer.GetBoolean())];
        var (with, without) = (Answers("a_correct"), Answers("b_correct"));
        var found = ArmComparison.Of("student", "both", [with], [without], Options, 1);
        var p = golden.RootElement.GetProperty("mcnemar_exact_p").GetDouble();
        Assert.Equal(p, found.RowsP, 1e-9);
        Assert.Equal(found.RowsP, found.P);
        Assert.Equal(found.RowsP, Assert.Single(found.PerRepeat).P);
        Assert.Equal(with.Average(right => right ? 1 : 0) - without.Average(right => right ? 1 : 0), found.Difference, 12);
        Assert.InRange(found.Difference, found.Interval!.Value.Lower, found.Interval.Value.Upper);
        Assert.Equal((IntervalKind.PairedBootstrap, null, null), (found.IntervalKind, found.PairedTP, found.WilcoxonP));
        Assert.Null(ArmComparison.Of("student", "both", [with], [without], new EvaluationOptions { BootstrapResamples = 0 }, 1).Interval);
    }

    [Fact]
    public void Several_repeats_must_hold_for_other_rows_and_for_other_seeds()
    {
        // Twelve rows that only the arm gets right in all three repeats, one more in the first.
        bool[][] without = [.. Enumerable.Range(0, 3).Select(_ => Rights(40, 20))];
        bool[][] with = [Rights(40, 33), Rights(40, 32), Rights(40, 32)];
        var found = ArmComparison.Of("student", "both", with, without, Options, 1);
        Assert.Equal((3, 13L, 0L, IntervalKind.StudentT), (found.Repeats, found.RowsFor, found.RowsAgainst, found.IntervalKind));
        Assert.Equal(2 * Math.Pow(0.5, 13), found.RowsP, 1e-15);
        double[] differences = [13 / 40.0, 12 / 40.0, 12 / 40.0];
        Assert.Equal(SignificanceTests.PairedT(differences), found.PairedTP!.Value, 1e-12);
        Assert.Equal(SignificanceTests.Wilcoxon(differences), found.WilcoxonP!.Value, 1e-12);
        Assert.Equal(ConfidenceInterval.OfMean(differences), found.Interval);
        Assert.Equal(Math.Max(found.RowsP, found.PairedTP.Value), found.P);
        Assert.True(found.IsSignificant);

        // The repeats disagree: rows alone would call it real.
        var shaky = ArmComparison.Of("student", "both", [Rights(40, 38), Rights(40, 20), Rights(40, 38)], without, Options, 1);
        Assert.True(shaky.RowsP < 0.001 && !shaky.IsSignificant, $"{shaky}");
    }

    [Fact]
    public void A_model_that_is_steadier_over_its_repeats_is_not_taken_for_a_better_one()
    {
        // Both are right on nine rows in ten; one always on the same rows, the other on others each time.
        bool[][] without = [.. Enumerable.Range(0, 3).Select(repeat => Enumerable.Range(0, 100).Select(row => row / 10 != repeat).ToArray())];
        bool[][] with = [.. Enumerable.Range(0, 3).Select(_ => Rights(100, 90))];
        var found = ArmComparison.Of("student", ArmComparison.TeacherArm, with, without, Options, 1);
        Assert.Equal((0.0, 30L, 10L), (found.Difference, found.RowsFor, found.RowsAgainst));
        Assert.Equal(1, found.RowsP, 1e-9);
    }

    [Fact]
    public void Equal_models_and_opposite_signs_are_no_evidence()
    {
        var same = ArmComparison.Of("student", "both", [Rights(9, 4)], [Rights(9, 4)], Options, 1);
        Assert.Equal((0.0, 1.0, new ConfidenceInterval(0, 0)), (same.Difference, same.P, same.Interval!.Value));

        // Rows 0 to 19 are lost in two of three repeats, rows 20 to 39 won in all but counted in the mean.
        bool[] lost = [.. Enumerable.Range(0, 30).Select(row => row >= 20)];
        bool[] none = new bool[30];
        bool[] early = [.. Enumerable.Range(0, 30).Select(row => row < 20)];
        var torn = ArmComparison.Of("student", "both", [lost, lost, lost], [early, none, none], Options, 1);
        Assert.True(torn.Difference > 0 && torn.RowsAgainst > torn.RowsFor, $"{torn}");
        Assert.Equal(SignificanceTests.PairedT([-1 / 3.0, 1 / 3.0, 1 / 3.0]), torn.P, 1e-9);
        Assert.False(torn.IsSignificant);
    }

    [Fact]
    public void Models_measured_on_different_rows_are_not_compared()
    {
        var test = EvaluationResult.Of(["a", "b"], [0], [[1, 0]], Options, 1);
        ArmResult[] arms = [new("s", "seeds_only", 1, 1, test), new("s", "both", 1, 1, test)];
        Assert.Equal(
            "The predictions of 's.both.1' are not of the same test rows as those of 's.seeds_only.1'. Remove predictions/s.both.1.jsonl and predictions/s.seeds_only.1.jsonl from the run folder and run the same command again; they are written anew.",
            Assert.Throws<InvalidDataException>(() => ArmComparison.Of(arms, false, name => [new TestPrediction(name, "a", "a", 1, 1)], Options, 1)).Message);
        Assert.Empty(ArmComparison.Of([arms[1]], true, _ => [], Options, 1));
        Assert.Empty(ArmComparison.Of([.. arms.Select(arm => arm with { Test = null })], true, _ => [], Options, 1));
    }

    private static bool[] Rights(int rows, int right) => [.. Enumerable.Range(0, rows).Select(row => row < right)];
}
