using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Parity;

/// <summary>A masked language model against its reference: logits, loss, gradients.</summary>
internal static class MaskedModelParity
{
    internal static IEnumerable<ParityCheck> Run(string folder, GoldenTensors golden)
    {
        using var scope = torch.NewDisposeScope();
        using var model = AutoModel.LoadMaskedLanguageModel(folder);
        var ids = Stored("input_ids");
        var mask = Stored("attention_mask");
        var labels = Stored("labels");
        var logits = model.Forward(ids, mask);
        var checks = new List<ParityCheck>
        {
            ParityCheck.Of("logits", GoldenTensors.MaxDifference(logits * mask.unsqueeze(-1), golden.Tensor("logits")), ModelTolerances.Logits),
        };
        var loss = Losses.MaskedTokenSum(logits, labels) / labels.ne(Losses.IgnoreIndex).sum().item<long>();
        loss.backward();
        checks.Add(ParityCheck.Of("loss", Math.Abs(loss.item<double>() - golden.Number("loss")), ModelTolerances.Loss));
        checks.AddRange(TrajectoryParity.Gradients(golden, model.Parameters));
        return checks;

        Tensor Stored(string name)
        {
            var rows = golden.Rows(name);
            return torch.tensor(rows.SelectMany(row => row).ToArray(), rows.Length, rows[0].Length);
        }
    }
}
