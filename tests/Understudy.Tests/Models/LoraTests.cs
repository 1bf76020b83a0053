using System.Runtime.InteropServices;
using Understudy.Models;
using Understudy.Tests.Generation;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Models;

/// <summary>Adapters on small models: what they change, what they leave alone, what comes back after merging.</summary>
[Collection(LiveTensors.Name)]
public sealed class LoraTests
{
    private static readonly string Fixtures = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models");
    private static readonly LoraConfig Everything = new() { R = 4, LoraAlpha = 8, TargetPattern = LoraConfig.AllLinear, InitLoraWeights = LoraInit.Random };

    [Theory]
    [InlineData(false, LoraBias.None)]
    [InlineData(true, LoraBias.LoraOnly)]
    public void A_new_adapter_says_what_the_base_says(bool dora, LoraBias bias)
    {
        using var scope = torch.NewDisposeScope();
        using var model = TinyModel.New();
        var before = Logits(model);
        using var lora = new LoraModel(model);
        var adapter = lora.Add(Everything with { InitLoraWeights = LoraInit.Kaiming, UseDora = dora, Bias = bias }, 3);
        Assert.Equal(8 * ((dora ? 3 : 2) + (bias == LoraBias.None ? 0 : 1)), adapter.Parameters.Count);
        Assert.True((Logits(model) - before).abs().max().item<double>() < 2e-6);
        Assert.DoesNotContain(adapter.LayerNames, name => name == "embed_out");
        // A is not zero, or it would never learn.
        Assert.True(adapter.Parameters[0].Value.abs().max().item<double>() is > 0.15 and <= 0.1768);
    }

    [Fact]
    public void Adapters_are_switched_without_being_loaded_again()
    {
        using var scope = torch.NewDisposeScope();
        using var model = TinyModel.New();
        var plain = Logits(model).ToArray<float>();
        using var lora = new LoraModel(model);
        lora.Add(Everything, 3, "first");
        var first = Logits(model).ToArray<float>();
        lora.Add(Everything with { UseDora = true, UseRslora = true }, 4, "second");
        var second = Logits(model).ToArray<float>();
        Assert.NotEqual(plain, first);
        Assert.NotEqual(first, second);
        lora.SetActive("first");
        Assert.Equal(first, Logits(model).ToArray<float>());
        lora.SetActive(null);
        Assert.Equal(plain, Logits(model).ToArray<float>());
        lora.SetActive("second");
        Assert.Equal(second, Logits(model).ToArray<float>());
        lora.Remove("second");
        Assert.Equal(plain, Logits(model).ToArray<float>());
        Assert.Equal("There is no adapter 'second'; there are: first. (Parameter 'name')", Assert.Throws<ArgumentException>(() => lora.SetActive("second")).Message);
        Assert.Throws<ArgumentException>(() => lora.Add(Everything, 3, "first"));
    }

    [Theory]
    [InlineData("gpt-neox", ScalarType.Float32, false)]
    [InlineData("gpt-neox", ScalarType.BFloat16, true)]
    [InlineData("gpt2-old-layout", ScalarType.Float32, true)]
    [InlineData("gpt2-old-layout", ScalarType.BFloat16, false)]
    [InlineData("llama", ScalarType.BFloat16, true)]
    public void Unmerging_restores_every_bit(string folder, ScalarType type, bool dora)
    {
        using var scope = torch.NewDisposeScope();
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, folder), new LoadOptions { DType = type });
        var before = Bytes(model);
        using var lora = new LoraModel(model);
        lora.Add(Everything with { UseDora = dora, Bias = LoraBias.LoraOnly, LoraAlpha = 1 }, 5);
        var beside = Logits(model);
        lora.Merge();
        var merged = Logits(model);
        Assert.NotEqual(before, Bytes(model));
        Assert.Throws<InvalidOperationException>(() => lora.SetActive(null));
        Assert.Throws<InvalidOperationException>(lora.Merge);
        var size = beside.abs().max().item<double>();
        Assert.True((merged - beside).abs().max().item<double>() < size * (type == ScalarType.Float32 ? 1e-5 : 0.1));
        lora.Unmerge();
        Assert.Equal(before, Bytes(model));
        Assert.Equal(beside.ToArray<float>(), Logits(model).ToArray<float>());
    }

    [Fact]
    public void A_shared_matrix_is_not_merged()
    {
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, "gpt-neox-sequential"));
        using var lora = new LoraModel(model);
        lora.Add(new LoraConfig { TargetModules = ["embed_out", "dense"] }, 1);
        var before = Bytes(model);
        Assert.Equal("The adapter cannot be merged: 'embed_out' shares its matrix with 'gpt_neox.embed_in.weight', which the sum would change as well. Use the adapter beside its base.", Assert.Throws<InvalidOperationException>(lora.Merge).Message);
        Assert.Equal(before, Bytes(model));
    }

    [Fact]
    public void Dora_with_dropout_computes_the_whole_product_again_from_what_is_left()
    {
        using var scope = torch.NewDisposeScope();
        using var model = TinyModel.New();
        using var lora = new LoraModel(model);
        var config = new LoraConfig { R = 2, LoraAlpha = 6, LoraDropout = 0.4, UseDora = true, TargetModules = ["gpt_neox.layers.1.mlp.dense_h_to_4h"], InitLoraWeights = LoraInit.Random };
        var weights = lora.Add(config, 7).Parameters.ToDictionary(parameter => parameter.Name.Split('.')[7], parameter => parameter.Value);
        var (a, b, m) = (weights["lora_A"], weights["lora_B"], weights["lora_magnitude_vector"] * 1.5);
        using (torch.no_grad()) weights["lora_magnitude_vector"].copy_(m);
        var layer = Assert.Single(model.Linears, layer => layer.Adapter is not null);
        var x = torch.randn([3, 32], new Generator(2));
        model.Training = true;
        torch.manual_seed(11);
        var found = layer.forward(x);
        torch.manual_seed(11);
        var dropped = nn.functional.dropout(x, 0.4, training: true);
        var matrix = layer.Weight.Dense();
        var scale = m / (matrix + b.matmul(a) * 3).norm(1);
        var expected = x.matmul(matrix.t()) + layer.Bias! + (scale - 1) * dropped.matmul(matrix.t()) + scale * dropped.matmul(a.t()).matmul(b.t()) * 3;
        Assert.True((found - expected).abs().max().item<double>() < 1e-5);
        Assert.True((found - layer.Weight.Apply(x, layer.Bias)).abs().max().item<double>() > 0.1);
    }

    [Fact]
    public void A_classifiers_head_is_trained_and_saved_with_its_adapter()
    {
        using var scope = torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = TinyClassifier.New();
        using var lora = new LoraModel(model);
        var adapter = lora.Add(new LoraConfig { TargetModules = ["query", "value"], TaskType = "SEQ_CLS" }, 1);
        var heads = adapter.Parameters.Where(parameter => parameter.Name.Contains("classifier", StringComparison.Ordinal)).ToList();
        Assert.Equal(["base_model.model.classifier.dense.weight", "base_model.model.classifier.dense.bias", "base_model.model.classifier.out_proj.weight", "base_model.model.classifier.out_proj.bias"], heads.Select(head => head.Name));
        var ids = torch.tensor([5L, 6, 7, 8], 1, 4);
        var before = model.Forward(ids).ToArray<float>();
        using (torch.no_grad()) heads[3].Value.add_(1);
        var changed = model.Forward(ids).ToArray<float>();
        Assert.Equal(before.Select(value => value + 1), changed, (one, other) => Math.Abs(one - other) < 1e-5);
        AdapterFolder.Save(adapter, folder.FullName, model);
        lora.SetActive(null);
        Assert.Equal(before, model.Forward(ids).ToArray<float>());
        lora.Load(folder.FullName, "saved");
        Assert.Equal(changed, model.Forward(ids).ToArray<float>());
        var error = Assert.Throws<InvalidDataException>(() => lora.Add(new LoraConfig { TargetModules = ["query"], ModulesToSave = ["word_embeddings"] }, 1, "other"));
        Assert.Equal("'modules_to_save' names a module with 'roberta.embeddings.word_embeddings.weight', which is no part of a linear layer. Expected modules made of linear layers, as heads of classifiers are.", error.Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Training_changes_the_adapter_alone_and_continues_from_a_checkpoint_of_its_size(bool dora)
    {
        using var whole = new TemporaryFolder();
        using var stopped = new TemporaryFolder();
        var undisturbed = Train(whole.FullName, dora, 12);
        Train(stopped.FullName, dora, 5);
        var continued = Train(stopped.FullName, dora, 12);
        Assert.Equal(undisturbed.Weights, continued.Weights);
        Assert.True(undisturbed.Losses[^1] < undisturbed.Losses[0] - 0.5, $"{undisturbed.Losses[0]} to {undisturbed.Losses[^1]}");
        using var checkpoint = SafeTensorsFile.Open(Path.Combine(whole.FullName, "checkpoint.safetensors"));
        Assert.Equal((dora ? 3 : 2) * 8 * 3, checkpoint.Entries.Count);
        Assert.All(checkpoint.Entries, entry => Assert.Contains("lora_", entry.Name, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Blocks_computed_again_give_the_adapter_the_same_gradients(bool dora)
    {
        using var scope = torch.NewDisposeScope();
        using var model = TinyModel.New();
        using var lora = new LoraModel(model);
        var adapter = lora.Add(Everything with { UseDora = dora, LoraDropout = 0.3, Bias = LoraBias.LoraOnly }, 5);
        var gradients = new[] { false, true }.Select(again =>
        {
            model.GradientCheckpointing = again;
            model.Training = true;
            torch.manual_seed(3);
            var ids = torch.tensor([5L, 9, 2, 40, 7, 11], 2, 3);
            (Losses.NextTokenSum(model.Logits(model.Hidden(ids)), ids) / 4).backward();
            return adapter.Parameters.Select(parameter =>
            {
                var gradient = parameter.Value.grad!.ToArray<float>();
                parameter.Value.grad = null;
                return gradient;
            }).ToList();
        }).ToList();
        Assert.Equal(gradients[0], gradients[1]);
        Assert.All(gradients[0], gradient => Assert.Contains(gradient, number => number != 0));
        Assert.All(model.Parameters, parameter => Assert.Null(parameter.Value.grad));
    }

    [Theory]
    [InlineData(WeightQuantization.Nf4, false)]
    [InlineData(WeightQuantization.Nf4, true)]
    [InlineData(WeightQuantization.Int8, false)]
    public void On_a_quantised_base_an_adapter_learns_what_it_would_on_the_same_numbers(WeightQuantization quantization, bool dora)
    {
        using var scope = torch.NewDisposeScope();
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, "gpt-neox"), new LoadOptions { Quantization = quantization });
        using var plain = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, "gpt-neox"));
        using (torch.no_grad())
        {
            foreach (var (few, many) in model.Linears.Zip(plain.Linears)) ((DenseWeight)many.Weight).Value.copy_(few.Weight.Dense());
        }

        var results = new[] { model, plain }.Select(one =>
        {
            using var lora = new LoraModel(one);
            var adapter = lora.Add(Everything with { UseDora = dora }, 5);
            var ids = torch.tensor([5L, 9, 2, 40, 7, 11], 2, 3);
            var loss = Losses.NextTokenSum(one.Logits(one.Hidden(ids)), ids) / 4;
            loss.backward();
            if (one == model) Assert.StartsWith("The adapter cannot be merged: the matrix of 'gpt_neox.layers.0.attention.query_key_value' is held in few bits", Assert.Throws<InvalidOperationException>(lora.Merge).Message, StringComparison.Ordinal);
            return (Loss: loss.item<double>(), Gradients: adapter.Parameters.Select(parameter => parameter.Value.grad!.ToArray<float>()).ToList());
        }).ToList();
        Assert.Equal(results[1].Loss, results[0].Loss, 4);
        Assert.All(results[0].Gradients.Zip(results[1].Gradients), pair => Assert.All(pair.First.Zip(pair.Second), numbers => Assert.Equal(numbers.Second, numbers.First, 5e-4f)));
    }

    [Fact]
    public void Nothing_is_left_of_an_adapter_that_is_gone()
    {
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            using var model = TinyModel.New();
            using var lora = new LoraModel(model);
            lora.Add(Everything with { UseDora = true, Bias = LoraBias.LoraOnly }, 1);
            using (torch.NewDisposeScope()) Logits(model);
            lora.Merge();
            lora.Unmerge();
        }));
        using var model = TinyModel.New();
        new LoraModel(model).Dispose();
        Assert.All(model.Parameters, parameter => Assert.True(parameter.Value.requires_grad));
    }

    // The base is bfloat16, its bits are the same afterwards.
    private static (List<double> Losses, List<float[]> Weights) Train(string folder, bool dora, int until)
    {
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, "gpt-neox"), new LoadOptions { DType = ScalarType.BFloat16 });
        var before = Bytes(model);
        using var lora = new LoraModel(model);
        var adapter = lora.Add(Everything with { InitLoraWeights = LoraInit.Kaiming, UseDora = dora, LoraDropout = 0.1 }, 2);
        var losses = new List<double>();
        using (var session = new TrainingSession(model, new TrainingOptions { MaxSteps = 12, LearningRate = 1e-2, SaveEvery = 1 }, 12, 1, folder, adapter.Parameters))
        {
            while (session.Progress.Step < until)
            {
                using var scope = torch.NewDisposeScope();
                session.BeginStep();
                var ids = torch.tensor(Enumerable.Range(0, 24).Select(i => (long)(3 + i * 7 % 11)).ToArray(), 2, 12);
                var loss = Losses.NextTokenSum(model.Logits(model.Hidden(ids)), ids) / Losses.NextTokenWeight(ids);
                loss.backward();
                losses.Add(loss.item<double>());
                session.EndStep(losses[^1], 24, 12);
                session.Save();
            }

            Assert.All(adapter.Parameters, parameter => Assert.Equal(ScalarType.Float32, parameter.Value.dtype));
        }

        Assert.Equal(before, Bytes(model));
        return (losses, [.. adapter.Parameters.Select(parameter => parameter.Value.ToArray<float>())]);
    }

    private static Tensor Logits(ICausalLanguageModel model)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        return scope.MoveToOuter(model.Logits(model.Hidden(torch.tensor([5L, 9, 2, 40, 7, 11], 2, 3))).to(ScalarType.Float32));
    }

    private static List<byte[]> Bytes(IPretrainedModel model) => [.. model.Parameters.Select(parameter => parameter.Value.dtype == ScalarType.Float32
        ? MemoryMarshal.AsBytes(parameter.Value.ToArray<float>().AsSpan()).ToArray()
        : MemoryMarshal.AsBytes(parameter.Value.ToArray<ushort>().AsSpan()).ToArray())];
}
