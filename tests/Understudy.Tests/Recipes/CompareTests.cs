using Understudy.Evaluation;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Tests.Recipes;

public sealed class CompareTests : IDisposable
{
    private static readonly EvaluationOptions Options = new() { BootstrapResamples = 500 };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Two_runs_on_the_same_rows_are_tested_row_by_row()
    {
        Write("a", "name: first\nseed: 1\nstudents: [{training: {epochs: 3}}]\nthreads: 2\n", ("seeds_only", 50), ("both", 60));
        Write("b", "name: second\nseed: 1\nstudents: [{training: {epochs: 5}}]\nthreads: 1\n", ("seeds_only", 50), ("both", 72));
        var result = Compare.Run([folder["a"], folder["b"]], Options);
        Assert.Equal([new(folder["a"], "first", "1", 12, 100), new ComparedRun(folder["b"], "second", "1", 12, 100)], result.Runs);
        Assert.Equal([("students[0].training.epochs", "3 5", true), ("threads", "2 1", false)], result.Settings.Select(one => (one.Key, string.Join(' ', one.Values), one.CanChangeResults)));
        Assert.True(result.SameTestRows);
        Assert.Empty(result.OverRuns);
        var both = result.Arms.Single(arm => arm.TrainedOn == "both");
        Assert.Null(both.Runs[0]!.ToFirst);
        var difference = both.Runs[1]!.ToFirst!;
        Assert.Equal(0.12, difference.Difference, 12);
        Assert.Equal(SignificanceTests.McNemarExact(12, 0), difference.P!.Value, 1e-15);
        Assert.InRange(0.12, difference.Interval!.Value.Lower, difference.Interval.Value.Upper);
        Assert.Equal((0.0, 1.0), (result.Arms[0].Runs[1]!.ToFirst!.Difference, result.Arms[0].Runs[1]!.ToFirst!.P!.Value));

        Directory.Delete(folder["b/predictions"], recursive: true);
        var without = Compare.Run([folder["a"], folder["b"]], Options);
        Assert.Null(without.SameTestRows);
        Assert.Equal(new RunDifference(both.Runs[1]!.ToFirst!.Difference, null, null), without.Arms[1].Runs[1]!.ToFirst);
    }

    [Fact]
    public void Runs_that_differ_in_their_seed_alone_are_averaged()
    {
        (int Seeds, int Both)[] accuracies = [(50, 60), (52, 61), (49, 60)];
        for (var i = 0; i < 3; i++)
            Write($"{i}", $"name: run-{i}\noutput: /tmp/{i}\nseed: {i}\nthreads: {i}\n", ("seeds_only", accuracies[i].Seeds), ("both", accuracies[i].Both));
        var result = Compare.Run([folder["0"], folder["1"], folder["2"]], Options);
        Assert.Equal(["seeds_only", "both"], result.OverRuns.Select(one => one.TrainedOn));
        var both = result.OverRuns[1];
        Assert.Equal(0.60333333333, both.Mean, 9);
        Assert.Equal(ConfidenceInterval.OfMean([0.6, 0.61, 0.6]), both.Interval);
        double[] differences = [0.6 - 0.5, 0.61 - 0.52, 0.6 - 0.49];
        Assert.Equal(differences.Average(), both.ToSeedsOnly!.Value, 12);
        Assert.Equal(SignificanceTests.PairedT(differences), both.PairedTP!.Value, 1e-12);
        Assert.Equal((null, null), (result.OverRuns[0].ToSeedsOnly, result.OverRuns[0].PairedTP));

        Write("3", "name: run-3\nseed: 2\n", ("seeds_only", 50));
        Assert.Empty(Compare.Run([folder["2"], folder["3"]], Options).OverRuns);

        // Two values far apart: the interval would lie beyond what an accuracy can be.
        Write("4", "name: run-4\nseed: 4\n", ("seeds_only", 5));
        Write("5", "name: run-5\nseed: 5\n", ("seeds_only", 95));
        Assert.Equal(new ConfidenceInterval(0, 1), Assert.Single(Compare.Run([folder["4"], folder["5"]], Options).OverRuns).Interval);
    }

    [Fact]
    public void Runs_on_different_rows_are_refused_unless_their_seed_alone_differs()
    {
        Write("a", "seed: 1\nrepeats: 1\n", ("seeds_only", 50));
        Write("b", "seed: 1\nrepeats: 2\n", ("seeds_only", 50));
        var file = folder["b/predictions/student.seeds_only.1.jsonl"];
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"id\":\"7\"", "\"id\":\"other\"", StringComparison.Ordinal).Replace("\"id\":\"8\",\"label\":\"a\"", "\"id\":\"8\",\"label\":\"b\"", StringComparison.Ordinal));
        Assert.Equal(
            $"The runs '{folder["a"]}' and '{folder["b"]}' were measured on different test rows: of 100 and 100 ids, 98 are shared with the same label. Figures on different rows do not compare; give both runs the same 'data.test', or the same 'data.split' and 'seed'.",
            Fault("a", "b"));
        File.WriteAllText(folder["b/run.yaml"], "seed: 2\nrepeats: 1\n");
        var result = Compare.Run([folder["a"], folder["b"]], Options);
        Assert.False(result.SameTestRows);
        Assert.Equal(new RunDifference(0, null, null), result.Arms[0].Runs[1]!.ToFirst);
        Assert.Single(result.OverRuns);
    }

    [Fact]
    public void What_cannot_be_compared_is_named()
    {
        Write("a", "seed: 1\n", ("seeds_only", 50));
        Directory.CreateDirectory(folder["empty"]);
        Assert.Equal($"'{folder["empty"]}' is not a run folder: expected a folder with a run.yaml in it, as 'understudy run' makes one.", Fault("a", "empty"));
        Assert.Equal($"'{folder["none"]}' is not a run folder: expected a folder with a run.yaml in it, as 'understudy run' makes one, found no folder of that name.", Fault("a", "none"));
        File.WriteAllText(folder["empty/run.yaml"], "seed: 2\n");
        Assert.Equal($"The run in '{folder["empty"]}' has no result yet. 'understudy status {folder["empty"]}' says what is left to do.", Fault("a", "empty"));
        Assert.Equal($"The run folder '{folder["a"]}' was given twice. Compare it with another one.", Fault("a", "a"));
        Assert.Equal($"The run folder '{folder["a"]}' was given twice. Compare it with another one.", Fault("a", "a/"));
        Assert.Equal("Expected at least two run folders to compare, found 1.", Fault("a"));

        File.WriteAllText(folder["empty/result.json"], """{"seeds":3,"arms":[{"student":"s","arm":"both","repeat":1,"train_rows":3,"test":{"rows":0,"accuracy":"NaN","macro_f1":"NaN"}}]}""");
        var old = Fault("a", "empty");
        Assert.StartsWith($"{folder["empty/result.json"]}: this is not a result that this version of Understudy writes (", old, StringComparison.Ordinal);
        Assert.EndsWith("). Run the same run file again: what is finished is not repeated, and the result is written anew.", old, StringComparison.Ordinal);

        Write("b", "seed: [1\n", ("seeds_only", 50));
        Assert.StartsWith($"{folder["b/run.yaml"]}(", Fault("a", "b"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_in_a_result_does_not_lead_out_of_the_folder()
    {
        Write("a", "seed: 1\n", ("seeds_only", 50));
        Write("b", "seed: 2\n", ("seeds_only", 50));
        var path = folder["b/result.json"];
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"student\": \"student\"", "\"student\": \"../../a/predictions/student\"", StringComparison.Ordinal));
        Assert.Null(Compare.Run([folder["a"], folder["b"]], Options).SameTestRows);
    }

    private string Fault(params string[] names) => Assert.Throws<InvalidDataException>(() => Compare.Run([.. names.Select(name => folder[name])], Options)).Message;

    // A run of 100 test rows with the label a, of which the first ones are right.
    private void Write(string name, string settings, params (string Arm, int Right)[] arms)
    {
        var results = new List<ArmResult>();
        foreach (var (arm, right) in arms)
        {
            double[][] probabilities = [.. Enumerable.Range(0, 100).Select(row => row < right ? new[] { 1.0, 0 } : [0, 1.0])];
            results.Add(new ArmResult("student", arm, 1, 12, EvaluationResult.Of(["a", "b"], new int[100], probabilities, new EvaluationOptions { BootstrapResamples = 0 }, 1)));
            TestPrediction.Write(folder[$"{name}/predictions/student.{arm}.1.jsonl"], probabilities.Select((row, i) => new TestPrediction($"{i}", "a", row[0] > 0 ? "a" : "b", 1, row[0])));
        }
        File.WriteAllText(folder[$"{name}/run.yaml"], settings);
        File.WriteAllText(folder[$"{name}/result.json"], RunJson.Text(new RunResult(12, null, null, null, null, null, results, [])));
    }
}
