using System.Text.Encodings.Web;
using System.Text.Json;
using Understudy.Data;
using Understudy.Recipes;

namespace Understudy.Cli;

/// <summary>Writes predictions as they come.</summary>
internal interface IPredictionWriter
{
    void Write(Example row, string label, Prediction prediction);
}

/// <summary>Predictions as JSON Lines: id, label, probability; on request the text and the probability of every label.</summary>
internal sealed class PredictionLines(TextWriter output, IReadOnlyList<string> labels, bool withText) : IPredictionWriter
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void Write(Example row, string label, Prediction prediction)
    {
        var line = new Dictionary<string, object> { ["id"] = row.Id };
        if (withText)
            line["text"] = row.Text;
        if (withText && row.TextPair is { } pair)
            line["text_pair"] = pair;
        line["label"] = label;
        line["probability"] = prediction.Probabilities[prediction.Best];
        if (labels.Count > 0)
            line["probabilities"] = labels.Zip(prediction.Probabilities).ToDictionary(pair => pair.First, pair => pair.Second);
        output.WriteLine(JsonSerializer.Serialize(line, Json));
    }
}
