using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Understudy.Data;
using Understudy.Recipes;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy predict MODEL FILE</c></summary>
internal static class PredictVerb
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(Execution execution)
    {
        var arguments = new RowArguments("File with texts: JSON Lines, CSV, TSV or plain text (one a line), gzip allowed.");
        var all = new Option<bool>("--all") { Description = "The probability of every label, not only of the most probable one." };
        var verb = new Verb("predict", "Labels texts with a student: a JSON line for each, with id, label and probability.",
            "understudy predict runs/slurp-intents/models/minilm.both.1 questions.txt > answers.jsonl");
        arguments.AddTo(verb);
        verb.Add(all);
        verb.SetAction(parsed =>
        {
            var source = arguments.Read(parsed, execution);
            var folder = arguments.Model(parsed);
            var labels = parsed.GetValue(all) ? Predict.Labels(folder) : [];
            var rows = ExampleReader.Read(source, labelled: false).Take(source.MaxRows ?? int.MaxValue);
            foreach (var (row, label, prediction) in Predict.Run(folder, rows, arguments.Options(parsed), arguments.Device(parsed), execution.Stop))
                execution.Output.WriteLine(Line(row, label, prediction, labels));
            return ExitCodes.Done;
        });
        return verb;
    }

    private static string Line(Example row, string label, Prediction prediction, IReadOnlyList<string> labels)
    {
        var line = new Dictionary<string, object>
        {
            ["id"] = row.Id,
            ["label"] = label,
            ["probability"] = prediction.Probabilities[prediction.Best],
        };
        if (labels.Count > 0)
            line["probabilities"] = labels.Zip(prediction.Probabilities).ToDictionary(pair => pair.First, pair => pair.Second);
        return JsonSerializer.Serialize(line, Json);
    }
}
