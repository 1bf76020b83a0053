using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Parity;

/// <summary>A causal model against its reference: logits, hidden states, loss, gradients, a short training.</summary>
internal static class CausalModelParity
{
    internal static IEnumerable<ParityCheck> Run(string folder, GoldenTensors golden)
    {
        // The references of 16-bit checkpoints come from models converted as a whole, rotary frequencies included.
        using var model = AutoModel.LoadCausalLanguageModel(folder, new LoadOptions { RotaryFrequencyType = ConfigJson.Read(folder).StoredType() });
        var rows = golden.Rows("rows");
        var padding = (long)golden.Number("pad_token_id");
        foreach (var check in Forward(golden, model, rows, padding).Concat(CausalGenerationParity.Run(golden, model)).Concat(Loss(golden, model, rows, padding)))
        {
            yield return check;
        }

        if (golden.Has("training"))
        {
            foreach (var check in TrajectoryParity.Run(golden, model.Parameters, batch => BatchLoss(model, GoldenTensors.Rows(batch), padding)))
            {
                yield return check;
            }
        }
        else
        {
            yield return ParityCheck.Skip("training", "the folder holds no training");
        }
    }

    private static List<ParityCheck> Forward(GoldenTensors golden, ICausalLanguageModel model, long[][] rows, long padding)
    {
        var checks = new List<ParityCheck>();
        using var gradients = torch.no_grad();
        foreach (var side in new[] { "right", "left" })
        {
            using var scope = torch.NewDisposeScope();
            var states = new List<Tensor>();
            var (ids, mask) = GoldenTensors.Pad(rows, padding, side == "left");
            var logits = model.Logits(model.Hidden(ids, mask, null, states)) * mask.unsqueeze(-1);
            checks.Add(ParityCheck.Of($"logits_{side}", GoldenTensors.MaxDifference(logits, golden.Tensor($"logits_{side}")), ModelTolerances.Logits, $"{mask.sum().item<long>()} tokens"));
            for (var i = 0; side == "right" && i < states.Count; i++)
            {
                if (!golden.Has($"hidden_{i}"))
                {
                    checks.Add(ParityCheck.Skip($"hidden_{i}", "the folder does not hold it"));
                    continue;
                }

                var weights = mask.unsqueeze(-1);
                checks.Add(GoldenTensors.HiddenState($"hidden_{i}", states[i] * weights, golden.Tensor($"hidden_{i}") * weights));
            }
        }

        return checks;
    }

    private static List<ParityCheck> Loss(GoldenTensors golden, ICausalLanguageModel model, long[][] rows, long padding)
    {
        using var scope = torch.NewDisposeScope();
        var (ids, mask) = GoldenTensors.Pad(rows, padding, left: false);
        var labels = torch.tensor(golden.Rows("labels_right").SelectMany(row => row).ToArray(), ids.shape);
        var loss = Losses.NextTokenSum(model.Logits(model.Hidden(ids, mask)), labels) / Losses.NextTokenWeight(labels);
        loss.backward();
        var checks = new List<ParityCheck> { ParityCheck.Of("loss", Math.Abs(loss.item<double>() - golden.Number("loss")), ModelTolerances.Loss) };
        checks.AddRange(golden.Names.Any(name => name.StartsWith("grad.", StringComparison.Ordinal))
            ? TrajectoryParity.Gradients(golden, model.Parameters)
            : [ParityCheck.Skip("gradients", "the folder holds none")]);
        return checks;
    }

    /// <summary>Loss of right-padded rows: the mean over all real next tokens.</summary>
    internal static Tensor BatchLoss(ICausalLanguageModel model, long[][] rows, long padding)
    {
        using var scope = torch.NewDisposeScope();
        var (ids, mask) = GoldenTensors.Pad(rows, padding, left: false);
        var labels = torch.where(mask.eq(0), torch.full(ids.shape, Losses.IgnoreIndex, ScalarType.Int64), ids);
        return scope.MoveToOuter(Losses.NextTokenSum(model.Logits(model.Hidden(ids, mask)), labels) / Losses.NextTokenWeight(labels));
    }
}
