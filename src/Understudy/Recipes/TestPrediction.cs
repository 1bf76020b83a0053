using System.Text.Json;
using System.Text.Json.Serialization;
using Understudy.Data;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>What a model said of a test row: a line of <c>predictions/NAME.jsonl</c> in the run folder.</summary>
/// <param name="Id">Id of the row, unique in the file.</param>
/// <param name="Label">The true label.</param>
/// <param name="Predicted">The most probable label.</param>
/// <param name="Probability">Its probability.</param>
/// <param name="LabelProbability">The probability of the true label.</param>
public sealed record TestPrediction(string Id, string Label, string Predicted, double Probability, double LabelProbability)
{
    /// <summary>Whether the model is right.</summary>
    [JsonIgnore]
    public bool Right => Predicted == Label;

    /// <summary>The predictions of a file, in its order.</summary>
    /// <param name="path">A file of a run folder's <c>predictions/</c>.</param>
    /// <exception cref="InvalidDataException">A line is no prediction, or two have the same id.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    public static IReadOnlyList<TestPrediction> Read(string path)
    {
        var rows = new List<TestPrediction>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(path))
        {
            TestPrediction row;
            try
            {
                using var document = JsonDocument.Parse(line);
                row = RunJson.Parse<TestPrediction>(document.RootElement);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                throw new InvalidDataException($"{path}({rows.Count + 1}): expected a prediction with id, label, predicted, probability and label_probability, found something else. Remove the file and run the same command again; it is written anew.", e);
            }
            if (!ids.Add(row.Id))
                throw new InvalidDataException($"{path}({rows.Count + 1}): the id '{row.Id}' occurs twice. Remove the file and run the same command again; it is written anew.");
            rows.Add(row);
        }
        return rows;
    }

    /// <summary>Writes predictions in one step that a crash cannot divide.</summary>
    internal static void Write(string path, IEnumerable<TestPrediction> rows) => JsonRows.Write(path, rows);

    /// <summary>Pairs rows with what was predicted.</summary>
    internal static IReadOnlyList<TestPrediction> Of(IReadOnlyList<Example> rows, IReadOnlyList<Prediction> predictions, LabelSet labels) =>
    [
        .. rows.Zip(predictions, (row, prediction) => new TestPrediction(
            row.Id, row.Label!, labels[prediction.Best], prediction.Probabilities[prediction.Best], prediction.Probabilities[labels.IndexOf(row.Label!)])),
    ];
}
