using System.Text.Json;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Parity;

/// <summary>An adapter on its causal base: logits with it and without, loss, gradients, a short training of the adapter alone, merging and unmerging.</summary>
internal static class AdapterParity
{
    internal static IEnumerable<ParityCheck> Run(string folder, GoldenTensors golden)
    {
        using var model = AutoModel.LoadCausalLanguageModel(BaseOf(folder, golden));
        var before = Bytes(model.Parameters);
        using var lora = new LoraModel(model);
        var adapter = lora.Load(folder);
        var rows = golden.Rows("rows");
        var padding = (long)golden.Number("pad_token_id");
        ParityCheck Logits(string name) => AdapterParity.Logits(name, golden, model, rows, padding);

        yield return Logits("logits_adapter");
        lora.SetActive(null);
        yield return Logits("logits_base");
        lora.SetActive(adapter.Name);
        yield return ParityCheck.Of("trainable_parameters", Math.Abs(adapter.Parameters.Sum(parameter => parameter.Value.numel()) - golden.Number("trainable_parameters")), 0, $"{adapter.Parameters.Count} tensors");
        yield return SavedAgain(folder, adapter, model);
        foreach (var check in Loss(golden, model, adapter, rows, padding)) yield return check;
        using var scope = torch.NewDisposeScope();
        var first = TrajectoryParity.Copies(adapter.Parameters);
        Tensor LossOf(JsonElement batch) => CausalModelParity.BatchLoss(model, GoldenTensors.Rows(batch), padding);
        foreach (var check in TrajectoryParity.Run(golden, adapter.Parameters, LossOf)) yield return check;
        var trained = TrainedLogits("logits_after_training", golden, model, rows, padding, 0);
        var movement = 0.0;
        if (trained.Verdict == ParityVerdict.Failed)
        {
            movement = TrajectoryParity.Movement(golden, adapter.Parameters, first, LossOf, () => AdapterParity.Logits(model, rows, padding));
            trained = TrainedLogits("logits_after_training", golden, model, rows, padding, movement);
        }

        yield return trained;
        lora.Merge();
        yield return TrainedLogits("logits_merged_after_training", golden, model, rows, padding, movement);
        lora.Unmerge();
        var after = Bytes(model.Parameters);
        yield return ParityCheck.Of("unmerged_base", before.Zip(after, (one, other) => one.AsSpan().SequenceEqual(other) ? 0 : 1).Sum(), 0, $"{before.Count} tensors, bit for bit");
    }

    // The reference names its base as a folder beside it.
    private static string BaseOf(string folder, GoldenTensors golden)
    {
        if (!golden.Has("base")) return AdapterFolder.BaseOf(folder);
        var name = golden.Value("base").GetString() ?? "";
        return Path.GetFileName(name) == name && name is not ("" or "." or "..")
            ? Path.Combine(Path.GetFullPath(folder), "..", name)
            : throw new InvalidDataException($"{folder}: 'base' in expected.json is '{name}'; expected the name of a folder beside this one.");
    }

    private static ParityCheck Logits(string name, GoldenTensors golden, ICausalLanguageModel model, long[][] rows, long padding)
    {
        using var scope = torch.NewDisposeScope();
        return ParityCheck.Of(name, GoldenTensors.MaxDifference(Logits(model, rows, padding), golden.Tensor(name)), ModelTolerances.Logits, $"{rows.Sum(row => row.Length)} tokens");
    }

    // The end of a trajectory, so with its tolerance; held against the largest logit, as the weights' changes are against their norms.
    // Where one rounding of the first weights moves the logits after the training, both trainings may be that far from the true one.
    private static ParityCheck TrainedLogits(string name, GoldenTensors golden, ICausalLanguageModel model, long[][] rows, long padding, double movement)
    {
        using var scope = torch.NewDisposeScope();
        var expected = golden.Tensor(name);
        var size = Math.Max(1, expected.abs().max().item<double>());
        return ParityCheck.Of(name, GoldenTensors.MaxDifference(Logits(model, rows, padding), expected) / size, Math.Max(ModelTolerances.Trajectory, 2 * movement / size), $"relative to the largest, {size:G3}{(movement > 0 ? $"; one rounding of the first weights moves it by {movement / size:G2}" : "")}");
    }

    private static Tensor Logits(ICausalLanguageModel model, long[][] rows, long padding)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        var (ids, mask) = GoldenTensors.Pad(rows, padding, left: false);
        return scope.MoveToOuter(model.Logits(model.Hidden(ids, mask)) * mask.unsqueeze(-1));
    }

    private static List<ParityCheck> Loss(GoldenTensors golden, ICausalLanguageModel model, LoraAdapter adapter, long[][] rows, long padding)
    {
        using var scope = torch.NewDisposeScope();
        var loss = CausalModelParity.BatchLoss(model, rows, padding);
        loss.backward();
        return
        [
            ParityCheck.Of("loss", Math.Abs(loss.item<double>() - golden.Number("loss")), ModelTolerances.Loss),
            .. TrajectoryParity.Gradients(golden, adapter.Parameters),
            ParityCheck.Of("base_without_gradients", model.Parameters.Count(parameter => parameter.Value.requires_grad), 0, $"{model.Parameters.Count} tensors of the base"),
        ];
    }

    private static ParityCheck SavedAgain(string folder, LoraAdapter adapter, IPretrainedModel model)
    {
        var copy = Directory.CreateTempSubdirectory("understudy-parity-").FullName;
        try
        {
            AdapterFolder.Save(adapter, copy, model);
            using var saved = Checkpoint.Open(copy, Checkpoint.AdapterWeightsName);
            using var first = Checkpoint.Open(folder, Checkpoint.AdapterWeightsName);
            var lost = first.Names.Count(name => !saved.TryGet(LoraNames.Canonical(name, adapter.LayerNames.Contains), out _));
            var different = adapter.Parameters.Zip(Bytes(adapter.Parameters)).Count(pair => !saved.TryGet(pair.First.Name, out var tensor) || !tensor.File.BytesOf(tensor.Entry).SequenceEqual(pair.Second));
            return ParityCheck.Of("saved_again", lost + different + Math.Abs(adapter.Parameters.Count - saved.Names.Count), 0, $"{saved.Names.Count} tensors, names and bytes");
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static List<byte[]> Bytes(IReadOnlyList<NamedParameter> parameters)
    {
        using var scope = torch.NewDisposeScope();
        return [.. parameters.Select(parameter => parameter.Value.to(ScalarType.Float32).ToArray<float>().SelectMany(BitConverter.GetBytes).ToArray())];
    }
}
