using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Understudy.Evaluation;

namespace Understudy.Parity;

/// <summary>Compares the classification metrics with stored values of scikit-learn: a case is labels, predictions, probabilities and the figures for them.</summary>
internal static partial class ClassificationMetricParity
{
    /// <summary>The largest absolute difference that passes.</summary>
    public const double Tolerance = 1e-12;

    private static readonly string[] Inputs = ["labels", "predictions", "probabilities", "classes"];

    /// <summary>One check for each figure of each case.</summary>
    public static IReadOnlyList<ParityCheck> Checks(JsonElement root) => [.. root.EnumerateObject().SelectMany(reference => Case(reference.Name, reference.Value))];

    private static IEnumerable<ParityCheck> Case(string name, JsonElement reference)
    {
        var labels = ReferenceJson.Integers(reference.GetProperty("labels"));
        var predictions = ReferenceJson.Integers(reference.GetProperty("predictions"));
        var probabilities = reference.TryGetProperty("probabilities", out var rows) ? rows.EnumerateArray().Select(ReferenceJson.Doubles).ToArray() : null;
        var metrics = ClassificationMetrics.Compute(labels, predictions, reference.GetProperty("classes").GetInt32());
        foreach (var figure in reference.EnumerateObject().Where(figure => !Inputs.Contains(figure.Name)))
        {
            var check = $"classification.{name}.{figure.Name}";
            var found = Known(figure.Name, metrics) ?? (probabilities is null ? null : OfProbabilities(figure.Name, labels, probabilities));
            if (found is null)
            {
                yield return ParityCheck.Skip(check, $"There is no metric '{figure.Name}' here{(probabilities is null ? ", or it needs probabilities, which the case lacks" : "")}.");
                continue;
            }
            var expected = Flatten(figure.Value);
            yield return ParityCheck.Of(check, MetricParity.Largest(found, expected, (a, b) => Math.Abs(a - b)), Tolerance, $"{expected.Length} value(s)");
        }
    }

    private static double[]? Known(string name, ClassificationMetrics metrics) => name switch
    {
        "precision" => [.. metrics.Classes.Select(one => one.Precision)],
        "recall" => [.. metrics.Classes.Select(one => one.Recall)],
        "f1" => [.. metrics.Classes.Select(one => one.F1)],
        "support" => [.. metrics.Classes.Select(one => (double)one.Support)],
        "confusion" => [.. from label in Enumerable.Range(0, metrics.Confusion.Classes)
                           from prediction in Enumerable.Range(0, metrics.Confusion.Classes)
                           select (double)metrics.Confusion[label, prediction]],
        _ => metrics.Scalars().Where(scalar => scalar.Key == name).Select(scalar => new[] { scalar.Value }).FirstOrDefault(),
    };

    private static double[]? OfProbabilities(string name, int[] labels, double[][] probabilities)
    {
        if (name == "log_loss")
            return [ProbabilityMetrics.LogLoss(labels, probabilities)];
        if (CalibrationError().Match(name) is { Success: true } bins)
            return [ProbabilityMetrics.ExpectedCalibrationError(labels, probabilities, Number(bins))];
        if (TopK().Match(name) is { Success: true } k)
            return [ProbabilityMetrics.TopKAccuracy(labels, probabilities, Number(k))];
        return null;
    }

    private static int Number(Match match) => int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    private static double[] Flatten(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().SelectMany(Flatten)] : [value.GetDouble()];

    [GeneratedRegex(@"\Aece_([1-9][0-9]{0,5})_equal_width_bins\z")]
    private static partial Regex CalibrationError();

    [GeneratedRegex(@"\Atop_([1-9][0-9]{0,5})_accuracy\z")]
    private static partial Regex TopK();
}
