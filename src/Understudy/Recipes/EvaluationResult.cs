using System.Text.Json;
using System.Text.Json.Serialization;
using Understudy.Data;
using Understudy.Evaluation;

namespace Understudy.Recipes;

/// <summary>How well one label is found; each ratio is 0 where it would divide by zero.</summary>
/// <param name="Label">The label.</param>
/// <param name="Support">The number of rows of it.</param>
/// <param name="Precision">Of the rows predicted as it, the share that are of it.</param>
/// <param name="Recall">Of the rows of it, the share predicted as it.</param>
/// <param name="F1">The harmonic mean of the two.</param>
public sealed record LabelResult(string Label, long Support, double Precision, double Recall, double F1);

/// <summary>How good a model is on at least one labelled row. Every figure is finite; what they mean is said in docs/evaluation.md.</summary>
public sealed record EvaluationResult
{
    /// <summary>Rows it was measured on, at least 1.</summary>
    public required int Rows { get; init; }

    /// <summary>Share of right labels, from 0 to 1.</summary>
    public required double Accuracy { get; init; }

    /// <summary>Wilson's 95% interval of <see cref="Accuracy"/>: how sure it is, given so many rows.</summary>
    public required ConfidenceInterval AccuracyInterval { get; init; }

    /// <summary>The 95% bootstrap interval of <see cref="Accuracy"/> over the rows; null when bootstrapping is off.</summary>
    public ConfidenceInterval? AccuracyBootstrap { get; init; }

    /// <summary>Mean F1 over the labels, those without rows included, from 0 to 1.</summary>
    public required double MacroF1 { get; init; }

    /// <summary>The 95% bootstrap interval of <see cref="MacroF1"/> over the rows; null when bootstrapping is off.</summary>
    public ConfidenceInterval? MacroF1Bootstrap { get; init; }

    /// <summary>F1 over all rows at once; equals <see cref="Accuracy"/>, since every row has one label.</summary>
    public required double MicroF1 { get; init; }

    /// <summary>Mean F1 over the labels, weighted by their rows.</summary>
    public required double WeightedF1 { get; init; }

    /// <summary>Mean recall over the labels that have rows.</summary>
    public required double BalancedAccuracy { get; init; }

    /// <summary>Matthews' correlation coefficient, from -1 to 1; 0 is no better than chance.</summary>
    public required double Mcc { get; init; }

    /// <summary>Cohen's kappa, from -1 to 1; 0 is no better than chance.</summary>
    public required double Kappa { get; init; }

    /// <summary>Mean negative natural logarithm of the probability of the true label, at least 0.</summary>
    public required double LogLoss { get; init; }

    /// <summary>Expected calibration error over ten ranges of confidence, from 0 to 1: how far stated confidence is from accuracy.</summary>
    public required double Ece { get; init; }

    /// <summary>Each label on its own, in class order.</summary>
    public required IReadOnlyList<LabelResult> PerLabel { get; init; }

    /// <summary>How many rows of each label (outer, the truth) were predicted as each label (inner), both in the order of <see cref="PerLabel"/>: [labels, labels].</summary>
    [JsonConverter(typeof(RowOnALine))]
    public required int[][] Confusion { get; init; }

    /// <summary>Measures predictions.</summary>
    /// <param name="labels">Names of the classes, in class order.</param>
    /// <param name="truth">True class of every row; at least one row.</param>
    /// <param name="probabilities">Every row's distribution over the classes.</param>
    /// <param name="options">How.</param>
    /// <param name="seed">What the bootstrap's resamples derive from. Equal seeds and numbers of rows give equal resamples.</param>
    /// <exception cref="ArgumentException">There are no rows, or the lists do not fit each other.</exception>
    public static EvaluationResult Of(IReadOnlyList<string> labels, IReadOnlyList<int> truth, IReadOnlyList<double[]> probabilities, EvaluationOptions options, long seed)
    {
        int[] classes = [.. truth];
        int[] predicted = [.. probabilities.Select(row => ProbabilityMetrics.ArgMax(row))];
        var metrics = ClassificationMetrics.Compute(classes, predicted, labels.Count);
        double[] right = [.. classes.Zip(predicted, (label, prediction) => label == prediction ? 1.0 : 0.0)];
        return new EvaluationResult
        {
            Rows = classes.Length,
            Accuracy = metrics.Accuracy,
            AccuracyInterval = ConfidenceInterval.Wilson(right.LongCount(value => value > 0), right.Length),
            AccuracyBootstrap = options.BootstrapResamples == 0 ? null : Bootstrap.OfMean(right, options.BootstrapResamples, Resamples(seed)),
            MacroF1 = metrics.MacroF1,
            MacroF1Bootstrap = options.BootstrapResamples == 0 ? null : Bootstrap.OfMacroF1(classes, predicted, labels.Count, options.BootstrapResamples, Resamples(seed)),
            MicroF1 = metrics.Accuracy,
            WeightedF1 = metrics.WeightedF1,
            BalancedAccuracy = metrics.BalancedAccuracy,
            Mcc = metrics.Matthews,
            Kappa = metrics.CohenKappa,
            LogLoss = ProbabilityMetrics.LogLoss(classes, probabilities),
            Ece = ProbabilityMetrics.ExpectedCalibrationError(classes, probabilities),
            PerLabel = [.. labels.Zip(metrics.Classes, (label, one) => new LabelResult(label, one.Support, one.Precision, one.Recall, one.F1))],
            Confusion = [.. labels.Select((_, label) => labels.Select((_, prediction) => (int)metrics.Confusion[label, prediction]).ToArray())],
        };
    }

    /// <summary>The generator of a run's bootstrap resamples.</summary>
    internal static SeededRandom Resamples(long seed) => new SeededRandom(seed).Fork("bootstrap");

    // A number on a line of its own would make a result of sixty labels 3,600 lines long.
    private sealed class RowOnALine : JsonConverter<int[][]>
    {
        public override int[][]? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            JsonSerializer.Deserialize<int[][]>(ref reader, options);

        public override void Write(Utf8JsonWriter writer, int[][] value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            // A raw value comes without the line break and the indent that other values have.
            var lead = writer.Options.Indented ? "\n" + new string(' ', 2 * writer.CurrentDepth) : "";
            foreach (var row in value)
                writer.WriteRawValue($"{lead}[{string.Join(", ", row)}]");
            writer.WriteEndArray();
        }
    }
}
