using System.Text.Json;
using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Parity;

/// <summary>An encoder-decoder against its reference: hidden states, logits, loss, gradients, a short training, generation.</summary>
internal static class SequenceToSequenceParity
{
    internal static IEnumerable<ParityCheck> Run(string folder, GoldenTensors golden)
    {
        using var model = AutoModel.LoadSequenceToSequenceModel(folder);
        foreach (var check in Forward(golden, model).Concat(SequenceToSequenceGenerationParity.Run(golden, model)).Concat(Loss(golden, model)))
        {
            yield return check;
        }

        if (golden.Has("training"))
        {
            foreach (var check in TrajectoryParity.Run(golden, model.Parameters, batch => BatchLoss(model, batch)))
            {
                yield return check;
            }
        }
        else
        {
            yield return ParityCheck.Skip("training", "the folder holds no training");
        }
    }

    private static List<ParityCheck> Forward(GoldenTensors golden, ISequenceToSequenceModel model)
    {
        using var gradients = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var (ids, mask) = GoldenTensors.Pad(golden.Rows("sources"), model.PadTokenId, left: false);
        var labels = Labels(golden.Rows("targets"));
        var encoded = model.Encode(ids, mask);
        var logits = model.Logits(model.Decode(Losses.DecoderInput(labels, model.DecoderStartTokenId, model.PadTokenId), encoded, mask));
        var counted = labels.ne(Losses.IgnoreIndex).to(ScalarType.Float32).unsqueeze(-1);
        var real = mask.unsqueeze(-1);
        return
        [
            GoldenTensors.HiddenState("encoder_last_hidden_state", encoded * real, golden.Tensor("encoder_last_hidden_state") * real),
            ParityCheck.Of("logits", GoldenTensors.MaxDifference(logits * counted, golden.Tensor("logits") * counted), ModelTolerances.Logits, $"{counted.sum().item<double>()} tokens"),
        ];
    }

    private static List<ParityCheck> Loss(GoldenTensors golden, ISequenceToSequenceModel model)
    {
        using var scope = torch.NewDisposeScope();
        var loss = Loss(model, golden.Rows("sources"), golden.Rows("targets"));
        loss.backward();
        return
        [
            ParityCheck.Of("loss", Math.Abs(loss.item<double>() - golden.Number("loss")), ModelTolerances.Loss),
            .. golden.Names.Any(name => name.StartsWith("grad.", StringComparison.Ordinal))
                ? TrajectoryParity.Gradients(golden, model.Parameters)
                : [ParityCheck.Skip("gradients", "the folder holds none")],
        ];
    }

    private static Tensor BatchLoss(ISequenceToSequenceModel model, JsonElement batch) =>
        Loss(model, GoldenTensors.Rows(batch.GetProperty("sources")), GoldenTensors.Rows(batch.GetProperty("targets")));

    private static Tensor Loss(ISequenceToSequenceModel model, long[][] sources, long[][] targets)
    {
        using var scope = torch.NewDisposeScope();
        var (ids, mask) = GoldenTensors.Pad(sources, model.PadTokenId, left: false);
        var labels = Labels(targets);
        var hidden = model.Decode(Losses.DecoderInput(labels, model.DecoderStartTokenId, model.PadTokenId), model.Encode(ids, mask), mask);
        return scope.MoveToOuter(Losses.TargetTokenSum(model.Logits(hidden), labels) / labels.ne(Losses.IgnoreIndex).sum().item<long>());
    }

    private static Tensor Labels(long[][] targets) => GoldenTensors.Pad(targets, Losses.IgnoreIndex, left: false).Ids;
}
