using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Parity;

/// <summary>A classifier against its reference: logits, hidden states, the four losses, gradients, a short training.</summary>
internal static partial class ClassifierParity
{
    internal static IEnumerable<ParityCheck> Run(string folder, GoldenTensors golden)
    {
        using var model = AutoModel.LoadSequenceClassifier(folder);
        var rows = golden.Rows("rows");
        var padding = (long)golden.Number("pad_token_id");
        foreach (var check in Forward(golden, model, rows, padding))
        {
            yield return check;
        }

        if (golden.Has("training"))
        {
            foreach (var check in TrajectoryParity.Run(golden, model.Parameters, batch => BatchLoss(model, batch, padding)))
            {
                yield return check;
            }
        }
        else
        {
            yield return ParityCheck.Skip("training", "the folder holds no training");
        }
    }

    private static List<ParityCheck> Forward(GoldenTensors golden, ISequenceClassifier model, long[][] rows, long padding)
    {
        using var scope = torch.NewDisposeScope();
        var checks = new List<ParityCheck>();
        var (ids, mask) = GoldenTensors.Pad(rows, padding, left: false);
        var types = golden.Json.TryGetProperty("token_type_ids_right", out var storedTypes)
            ? torch.tensor(GoldenTensors.Rows(storedTypes).SelectMany(row => row).ToArray(), ids.shape)
            : null;
        var states = new List<Tensor>();
        var logits = model switch
        {
            BertForSequenceClassification bert => bert.Forward(ids, mask, types, states),
            RobertaForSequenceClassification roberta => roberta.Forward(ids, mask, types, states),
            _ => model.Forward(ids, mask, types),
        };
        checks.Add(ParityCheck.Of("logits", GoldenTensors.MaxDifference(logits, golden.Tensor("logits")), ModelTolerances.Logits, $"{rows.Length} rows"));
        for (var i = 0; i < states.Count; i++)
        {
            checks.Add(golden.Has($"hidden_{i}")
                ? GoldenTensors.HiddenState($"hidden_{i}", states[i] * mask.unsqueeze(-1), golden.Tensor($"hidden_{i}") * mask.unsqueeze(-1))
                : ParityCheck.Skip($"hidden_{i}", "the folder does not hold it"));
        }

        var labels = torch.tensor(GoldenTensors.Numbers(golden.Value("labels")));
        var ones = torch.ones([rows.Length]);
        var loss = Losses.ClassSum(logits, labels, ones) / rows.Length;
        loss.backward();
        checks.Add(ParityCheck.Of("loss", Math.Abs(loss.item<double>() - golden.Number("loss")), ModelTolerances.Loss));
        if (golden.Has("soft_labels"))
        {
            Compare("soft_label_loss", Losses.DistributionSum(logits, golden.Tensor("soft_labels"), ones) / rows.Length);
        }

        foreach (var stored in golden.Json.EnumerateObject().Where(property => Smoothing().IsMatch(property.Name)))
        {
            var smoothing = double.Parse(Smoothing().Match(stored.Name).Groups["share"].ValueSpan, CultureInfo.InvariantCulture);
            Compare(stored.Name, Losses.ClassSum(logits, labels, ones, smoothing) / rows.Length);
        }

        if (golden.Has("row_weights"))
        {
            var weights = GoldenTensors.Doubles(golden.Value("row_weights"));
            Compare("weighted_loss", Losses.ClassSum(logits, labels, torch.tensor(weights).to(ScalarType.Float32)) / weights.Sum());
        }

        checks.AddRange(TrajectoryParity.Gradients(golden, model.Parameters));
        return checks;

        void Compare(string name, Tensor found) =>
            checks.Add(ParityCheck.Of(name, Math.Abs(found.item<double>() - golden.Number(name)), ModelTolerances.Loss));
    }

    private static Tensor BatchLoss(ISequenceClassifier model, JsonElement batch, long padding)
    {
        using var scope = torch.NewDisposeScope();
        var rows = GoldenTensors.Rows(batch.GetProperty("rows"));
        var (ids, mask) = GoldenTensors.Pad(rows, padding, left: false);
        var labels = torch.tensor(GoldenTensors.Numbers(batch.GetProperty("labels")));
        return scope.MoveToOuter(Losses.ClassSum(model.Forward(ids, mask), labels, torch.ones([rows.Length])) / rows.Length);
    }

    [GeneratedRegex(@"\Alabel_smoothing_(?<share>0(\.\d+)?)_loss\z")]
    private static partial Regex Smoothing();
}
