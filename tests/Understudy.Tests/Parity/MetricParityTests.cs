using System.Text.Json.Nodes;
using Understudy.Parity;

namespace Understudy.Tests.Parity;

public sealed class MetricParityTests
{
    [Fact]
    public void Every_figure_equals_the_reference()
    {
        var checks = MetricParity.Run("Fixtures/metrics");
        Assert.Equal((3 * 21) + 7, checks.Count);
        Assert.All(checks, check => Assert.Equal((check.Name, ParityVerdict.Passed), (check.Name, check.Verdict)));
        Assert.Contains("classification.missing_class.ece_10_equal_width_bins", checks.Select(check => check.Name));
        Assert.Contains("statistics.clopper_pearson_95_of_a", checks.Select(check => check.Name));
    }

    [SharedFact("golden/metrics")]
    public void The_shared_folder_passes_and_says_what_it_skips()
    {
        var checks = MetricParity.Run(Path.Combine(SharedFactAttribute.Root, "golden", "metrics"));
        Assert.DoesNotContain(checks, check => check.Verdict == ParityVerdict.Failed);
        Assert.Equal(["generation.json", "multirc.json"], checks.Where(check => check.Verdict == ParityVerdict.Skipped).Select(check => check.Name));
    }

    [Theory]
    [InlineData("classification.json")]
    [InlineData("statistics.json")]
    public void Every_figure_is_found_wrong_when_it_is_changed(string file)
    {
        using var folder = new TemporaryFolder();
        var root = JsonNode.Parse(File.ReadAllText(Path.Combine("Fixtures/metrics", file)))!.AsObject();
        string[] inputs = ["labels", "predictions", "probabilities", "classes", "a_correct", "b_correct", "deltas"];
        var cases = file == "classification.json" ? root.Select(one => one.Value!.AsObject()) : [root];
        foreach (var reference in cases)
        {
            foreach (var key in reference.Select(figure => figure.Key).Except(inputs).ToArray())
                reference[key] = Moved(reference[key]!);
        }
        File.WriteAllText(folder[file], root.ToJsonString());
        Assert.All(MetricParity.Run(folder.FullName), check => Assert.Equal((check.Name, ParityVerdict.Failed), (check.Name, check.Verdict)));
    }

    [Fact]
    public void Cases_by_name_and_unknown_figures_are_taken_as_they_come()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["statistics.json"], """{"x":{"deltas":[1,2,3],"paired_t_p":0.0741799002274277,"wilson_95_of_a":[0,1]},"y":{"a_correct":[true],"wilson_99_of_a":[0,1],"sign_p":0}}""");
        File.WriteAllText(folder["classification.json"], """{"z":{"labels":[0,1],"predictions":[0,0],"classes":2,"accuracy":0.5,"log_loss":1,"auc":1}}""");
        Assert.Equal(
            [
                ("classification.z.accuracy", ParityVerdict.Passed, "1 value(s)"),
                ("classification.z.log_loss", ParityVerdict.Skipped, "There is no metric 'log_loss' here, or it needs probabilities, which the case lacks."),
                ("classification.z.auc", ParityVerdict.Skipped, "There is no metric 'auc' here, or it needs probabilities, which the case lacks."),
                ("statistics.x.paired_t_p", ParityVerdict.Passed, "1 value(s)"),
                ("statistics.x.wilson_95_of_a", ParityVerdict.Skipped, "There is no statistic 'wilson_95_of_a' here, or the case lacks the data for it."),
                ("statistics.y.wilson_99_of_a", ParityVerdict.Failed, "2 value(s)"),
                ("statistics.y.sign_p", ParityVerdict.Skipped, "There is no statistic 'sign_p' here, or the case lacks the data for it."),
            ],
            MetricParity.Run(folder.FullName).Select(check => (check.Name, check.Verdict, check.Note)));
    }

    [Theory]
    [InlineData("classification.json", "[]")]
    [InlineData("classification.json", """{"z":{"labels":[0],"predictions":[0,1],"classes":2}}""")]
    [InlineData("classification.json", """{"z":{"labels":[0],"predictions":[2],"classes":2}}""")]
    [InlineData("classification.json", """{"z":{"labels":[0],"predictions":[0],"classes":2,"accuracy":"1"}}""")]
    [InlineData("classification.json", """{"z":{"labels":[0],"predictions":[0],"classes":2,"probabilities":[[0.5,"x"]],"log_loss":1}}""")]
    [InlineData("statistics.json", """{"deltas":[1],"paired_t_p":1}""")]
    [InlineData("statistics.json", """{"a_correct":[1]}""")]
    public void A_file_that_is_no_reference_is_named(string file, string json)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder[file], json);
        var error = Assert.Throws<InvalidDataException>(() => MetricParity.Run(folder.FullName));
        Assert.StartsWith($"{folder[file]}: not a reference of the expected format: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_references_is_reported()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(
            $"{folder.FullName}: expected classification.json or statistics.json, found neither.",
            Assert.Throws<InvalidDataException>(() => MetricParity.Run(folder.FullName)).Message);
    }

    private static JsonNode Moved(JsonNode value)
    {
        if (value is JsonArray list)
            return new JsonArray([.. list.Select(item => Moved(item!))]);
        return JsonValue.Create(value.GetValue<double>() + 1e-6);
    }
}
