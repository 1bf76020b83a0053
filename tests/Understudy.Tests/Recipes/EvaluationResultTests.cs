using System.Text.Json;
using Understudy.Evaluation;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Tests.Recipes;

public sealed class EvaluationResultTests
{
    [Fact]
    public void Every_figure_equals_the_reference()
    {
        using var golden = JsonDocument.Parse(File.ReadAllText("Fixtures/metrics/classification.json"));
        var cases = 0;
        foreach (var reference in golden.RootElement.EnumerateObject().Select(one => one.Value).Where(one => one.TryGetProperty("probabilities", out _)))
        {
            int[] labels = Whole(reference, "labels"), predictions = Whole(reference, "predictions");
            double[][] probabilities = [.. reference.GetProperty("probabilities").EnumerateArray().Select(row => row.EnumerateArray().Select(value => value.GetDouble()).ToArray())];
            string[] names = [.. probabilities[0].Select((_, i) => $"label {i}")];
            // The reference's predictions are not the most probable classes of its probabilities.
            double[][] certain = [.. predictions.Select(prediction => names.Select((_, i) => i == prediction ? 1.0 : 0.0).ToArray())];
            var result = EvaluationResult.Of(names, labels, certain, new EvaluationOptions { BootstrapResamples = 200 }, 1);
            var likely = EvaluationResult.Of(names, labels, probabilities, new EvaluationOptions { BootstrapResamples = 0 }, 1);
            void Same(string key, double found) => Assert.Equal(reference.GetProperty(key).GetDouble(), found, 1e-9);
            Same("accuracy", result.Accuracy);
            Same("macro_f1", result.MacroF1);
            Same("micro_f1", result.MicroF1);
            Same("weighted_f1", result.WeightedF1);
            Same("balanced_accuracy", result.BalancedAccuracy);
            Same("matthews", result.Mcc);
            Same("cohen_kappa", result.Kappa);
            Same("log_loss", likely.LogLoss);
            Same("ece_10_equal_width_bins", likely.Ece);
            Assert.Equal(labels.Length, result.Rows);
            Assert.Equal(labels.Length, result.Confusion.Sum(row => row.Sum()));
            Assert.Equal(result.PerLabel.Select(label => label.Support), result.Confusion.Select(row => (long)row.Sum()));
            Assert.InRange(result.Accuracy, result.AccuracyBootstrap!.Value.Lower, result.AccuracyBootstrap.Value.Upper);
            Assert.InRange(result.Accuracy, result.AccuracyInterval.Lower, result.AccuracyInterval.Upper);
            cases++;
        }
        Assert.True(cases >= 1, "no case has probabilities");

        static int[] Whole(JsonElement reference, string key) => [.. reference.GetProperty(key).EnumerateArray().Select(value => value.GetInt32())];
    }

    [Fact]
    public void It_comes_back_from_JSON_as_it_was_with_a_line_for_each_row_of_the_confusion_matrix()
    {
        var result = EvaluationResult.Of(["no", "yes"], [0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], new EvaluationOptions { BootstrapResamples = 0 }, 1);
        var text = RunJson.Text(result);
        Assert.Contains("\n    [1, 0],\n    [1, 1]\n", text, StringComparison.Ordinal);
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["one.json"], text);
        var back = RunJson.Read<EvaluationResult>(folder["one.json"]);
        Assert.Equal(text, RunJson.Text(back));
        Assert.Equal(result.PerLabel, back.PerLabel);
        Assert.Equal((null, null), (back.AccuracyBootstrap, back.MacroF1Bootstrap));
        Assert.Equal(result.AccuracyInterval, back.AccuracyInterval);
    }

    [Theory]
    [InlineData("""{"id":"a"}""")]
    [InlineData("[]")]
    [InlineData("x")]
    [InlineData("")]
    [InlineData("""{"id":null,"label":"a","predicted":"b","probability":1,"label_probability":0}""")]
    public void A_line_that_is_no_prediction_is_named(string line)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["x.jsonl"], $$"""{"id":"1","label":"a","predicted":"b","probability":1,"label_probability":0}{{'\n'}}{{line}}{{'\n'}}""");
        Assert.Equal(
            $"{folder["x.jsonl"]}(2): expected a prediction with id, label, predicted, probability and label_probability, found something else. Remove the file and run the same command again; it is written anew.",
            Assert.Throws<InvalidDataException>(() => TestPrediction.Read(folder["x.jsonl"])).Message);
    }
}
