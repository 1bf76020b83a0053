using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

/// <summary>What the table of families says of adapters and of 4 bits, family by family.</summary>
public sealed class FamilyAdaptersTests
{
    private static readonly string Fixtures = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models");

    private static readonly string[] Folders =
        ["gpt-neox", "llama", "mistral-sliding-window", "qwen2", "qwen3", "gpt2-old-layout", "bert-classifier", "roberta-classifier", "roberta-mlm", "bart", "t5"];

    public static TheoryData<string> Families { get; } = [.. Folders];

    [Fact]
    public void Every_family_is_tested()
    {
        var types = Folders.Select(folder => (string)JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures, folder, "config.json")))!["model_type"]!).Distinct();
        Assert.Equal(AutoModel.ModelTypes, types.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void An_adapter_learns_is_saved_loaded_and_merged(string name)
    {
        using var scope = torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = AutoModel.Load(Path.Combine(Fixtures, name));
        var before = Bytes(model);
        var plain = Output(model);
        using var lora = new LoraModel(model);
        var adapter = lora.Add(new LoraConfig { R = 4, LoraAlpha = 8, TargetPattern = LoraConfig.AllLinear }, 3, "trained");
        Assert.Equal(model.Linears.Where(layer => !layer.IsHead).Select(layer => layer.Name), adapter.LayerNames);
        Assert.True(Difference(plain, Output(model)) < 1e-5);

        var losses = Train(model, adapter, plain);
        Assert.True(losses.Min() < losses[0] * 0.9, string.Join(", ", losses));
        Assert.All(adapter.Parameters, parameter => Assert.Contains(parameter.Value.grad!.ToArray<float>(), number => number != 0));
        Assert.Equal(before, Bytes(model));

        var tuned = Output(model);
        AdapterFolder.Save(adapter, folder.FullName, model);
        lora.SetActive(null);
        Assert.Equal(plain.ToArray<float>(), Output(model).ToArray<float>());
        lora.Load(folder.FullName, "loaded");
        Assert.Equal(tuned.ToArray<float>(), Output(model).ToArray<float>());
        lora.Merge();
        Assert.True(Difference(tuned, Output(model)) < 1e-4 * Math.Max(1, tuned.abs().max().item<double>()));
        Assert.True(Difference(tuned, plain) > 1e-3);
        lora.Unmerge();
        Assert.Equal(before, Bytes(model));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void In_nf4_a_model_is_saved_loaded_and_carries_an_adapter(string name)
    {
        using var scope = torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var plain = AutoModel.Load(Path.Combine(Fixtures, name));
        using var model = AutoModel.Load(Path.Combine(Fixtures, name), new LoadOptions { Quantization = WeightQuantization.Nf4 });
        // T5's wo is what transformers never holds in 4 bits.
        var dense = model.Linears.Where(layer => layer.IsHead || layer.Name.EndsWith(".wo", StringComparison.Ordinal)).Select(layer => layer.Name).ToList();
        Assert.Equal(dense, model.Linears.Where(layer => layer.Weight is DenseWeight).Select(layer => layer.Name));
        Assert.All(model.Linears.Where(layer => !dense.Contains(layer.Name)), layer => Assert.IsType<Nf4Weight>(layer.Weight));
        var output = Output(model);
        Assert.True(Difference(output, Output(plain)) > 1e-4);
        using (torch.no_grad())
        {
            foreach (var (few, many) in model.Linears.Zip(plain.Linears).Where(pair => pair.First.Weight is Nf4Weight))
            {
                var weight = (DenseWeight)many.Weight;
                weight.Value.copy_(weight.Layout == LinearLayout.InOut ? few.Weight.Dense().t() : few.Weight.Dense());
            }
        }

        Assert.True(Difference(output, Output(plain)) < 1e-4 * Math.Max(1, output.abs().max().item<double>()));

        PretrainedFolder.Save(model, folder.FullName);
        var section = JsonNode.Parse(File.ReadAllText(folder["config.json"]))!["quantization_config"]!;
        Assert.Equal(dense, section["llm_int8_skip_modules"]!.AsArray().Select(node => (string)node!));
        using var loaded = AutoModel.Load(folder.FullName);
        Assert.Equal(output.ToArray<float>(), Output(loaded).ToArray<float>());

        // The same numbers in dense matrices give the adapter the same gradients.
        foreach (var (found, expected) in Gradients(loaded).Zip(Gradients(plain)))
        {
            Assert.True(expected.norm().item<double>() > 0);
            Assert.True(Difference(found, expected) < 1e-2 * expected.abs().max().item<double>());
        }
    }

    private static List<Tensor> Gradients(IPretrainedModel model)
    {
        using var lora = new LoraModel(model);
        var adapter = lora.Add(new LoraConfig { R = 4, LoraAlpha = 1, TargetPattern = LoraConfig.AllLinear, InitLoraWeights = LoraInit.Random }, 3);
        Output(model, gradients: true).pow(2).mean().backward();
        return [.. adapter.Parameters.Select(parameter => parameter.Value.grad!.clone())];
    }

    // Towards other numbers than the model gives, with steps of one size for every weight, shorter ones where the loss rises.
    private static List<double> Train(IPretrainedModel model, LoraAdapter adapter, Tensor start)
    {
        var target = (start * 0.5).detach();
        var losses = new List<double>();
        var size = 0.005;
        for (var step = 0; step < 12; step++)
        {
            using var scope = torch.NewDisposeScope();
            foreach (var parameter in adapter.Parameters) parameter.Value.grad = null;
            var loss = (Output(model, gradients: true) - target).pow(2).mean();
            loss.backward();
            losses.Add(loss.item<double>());
            if (step > 0 && losses[^1] > losses[^2]) size /= 3;
            using var off = torch.no_grad();
            if (step < 11) foreach (var parameter in adapter.Parameters) parameter.Value.add_(parameter.Value.grad! * -size / (parameter.Value.grad!.abs().max() + 1e-12));
        }

        return losses;
    }

    private static Tensor Output(IPretrainedModel model, bool gradients = false)
    {
        using var scope = torch.NewDisposeScope();
        using var off = gradients ? null : torch.no_grad();
        var ids = torch.tensor(new long[] { 5, 9, 4, 20, 7, 2 }, 1, 6);
        return scope.MoveToOuter(model switch
        {
            ICausalLanguageModel causal => causal.Logits(causal.Hidden(ids)),
            ISequenceToSequenceModel pair => pair.Logits(pair.Decode(ids.narrow(1, 0, 4), pair.Encode(ids))),
            IMaskedLanguageModel masked => masked.Forward(ids),
            ISequenceClassifier classifier => classifier.Forward(ids),
            _ => throw new ArgumentOutOfRangeException(nameof(model)),
        });
    }

    private static double Difference(Tensor one, Tensor other) => (one - other).abs().max().item<double>();

    private static List<byte[]> Bytes(IPretrainedModel model) => [.. model.Parameters.Select(parameter => parameter.Value.dtype == ScalarType.Byte
        ? parameter.Value.ToArray<byte>()
        : MemoryMarshal.AsBytes(parameter.Value.to(ScalarType.Float32).ToArray<float>().AsSpan()).ToArray())];
}
