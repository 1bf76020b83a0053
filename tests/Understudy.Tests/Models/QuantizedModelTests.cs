using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Models;

[Collection(LiveTensors.Name)]
public sealed class QuantizedModelTests
{
    private static readonly string Fixtures = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models");

    [Theory]
    [InlineData("llama", true)]
    [InlineData("gpt-neox-bf16-sharded", false)]
    [InlineData("gpt2-old-layout", true)]
    public void A_model_in_nf4_saved_and_loaded_again_has_equal_bytes_and_logits(string name, bool twice)
    {
        using var folder = new TemporaryFolder();
        using var first = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, name), new LoadOptions { Quantization = WeightQuantization.Nf4, Nf4DoubleQuantization = twice, DType = null });
        PretrainedFolder.Save(first, folder.FullName);
        using var second = AutoModel.LoadCausalLanguageModel(folder.FullName, new LoadOptions { DType = null });
        Assert.Equal(WeightQuantization.Nf4, ModelQuantization.Of(second));
        Assert.All(second.Linears, layer => Assert.Equal(layer.IsHead ? typeof(DenseWeight) : typeof(Nf4Weight), layer.Weight.GetType()));
        Assert.Equal(first.Parameters.Select(parameter => parameter.Name), second.Parameters.Select(parameter => parameter.Name));
        Assert.All(first.Parameters.Zip(second.Parameters), pair => Assert.Equal(Bytes(pair.First.Value), Bytes(pair.Second.Value)));
        using var scope = torch.NewDisposeScope();
        var ids = torch.tensor(new long[] { 3, 5, 8, 13, 21, 34 }, 1, 6);
        Assert.Equal(Logits(first, ids), Logits(second, ids));
        Assert.Contains("\"llm_int8_threshold\": 6.0,", File.ReadAllText(folder["config.json"]), StringComparison.Ordinal);
        var saved = JsonNode.Parse(File.ReadAllText(folder["config.json"]))!["quantization_config"]!;
        Assert.Equal(twice, (bool)saved["bnb_4bit_use_double_quant"]!);
        Assert.Equal([.. first.Linears.Where(layer => layer.IsHead).Select(layer => layer.Name)], saved["llm_int8_skip_modules"]!.AsArray().Select(node => (string)node!));
        Assert.Equal(("bitsandbytes", "nf4", true), ((string)saved["quant_method"]!, (string)saved["bnb_4bit_quant_type"]!, (bool)saved["load_in_4bit"]!));
    }

    [Theory]
    [InlineData("llama", WeightQuantization.Nf4, 0.4)]
    [InlineData("llama", WeightQuantization.Int8, 0.03)]
    [InlineData("gpt2-old-layout", WeightQuantization.Nf4, 0.4)]
    [InlineData("gpt2-old-layout", WeightQuantization.Int8, 0.03)]
    public void Fewer_bits_change_every_matrix_a_little(string name, WeightQuantization quantization, double most)
    {
        using var scope = torch.NewDisposeScope();
        using var plain = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, name));
        using var quantized = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, name), new LoadOptions { Quantization = quantization });
        Assert.Equal(quantization, ModelQuantization.Of(quantized));
        Assert.Equal(plain.Linears.Count, quantized.Linears.Count);
        foreach (var (before, after) in plain.Linears.Zip(quantized.Linears).Where(pair => !pair.First.IsHead))
        {
            var change = (after.Weight.Dense() - before.Weight.Dense()).norm().item<double>() / before.Weight.Dense().norm().item<double>();
            Assert.InRange(change, 1e-4, most);
            Assert.Equal((before.Weight.InFeatures, before.Weight.OutFeatures), (after.Weight.InFeatures, after.Weight.OutFeatures));
        }
    }

    [Fact]
    public void What_a_file_widens_is_quantised_as_it_is()
    {
        var folder = Path.Combine(Fixtures, "gpt-neox-bf16-sharded");
        using var narrow = AutoModel.LoadCausalLanguageModel(folder, new LoadOptions { Quantization = WeightQuantization.Nf4, DType = null });
        using var wide = AutoModel.LoadCausalLanguageModel(folder, new LoadOptions { Quantization = WeightQuantization.Nf4 });
        Assert.All(narrow.Linears.Zip(wide.Linears).Where(pair => !pair.First.IsHead), pair => Assert.Equal(Bytes(pair.First.Weight.Parameters[0].Value), Bytes(pair.Second.Weight.Parameters[0].Value)));
        using var scope = torch.NewDisposeScope();
        Assert.Equal(ScalarType.BFloat16, narrow.Linears[0].Weight.Dense().dtype);
        Assert.Equal(ScalarType.Float32, wide.Linears[0].Weight.Dense().dtype);
    }

    [Theory]
    [InlineData("{\"quant_method\": \"gptq\", \"bits\": 4}", "gptq")]
    [InlineData("{\"quant_method\": \"awq\"}", "awq")]
    [InlineData("{\"quant_method\": \"fp8\"}", "fp8")]
    [InlineData("{\"quant_method\": \"bitsandbytes\", \"load_in_8bit\": true}", "bitsandbytes in 8 bits")]
    [InlineData("{\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true}", "bitsandbytes in fp4")]
    [InlineData("{\"load_in_4bit\": true, \"bnb_4bit_quant_type\": \"fp4\"}", "bitsandbytes in fp4")]
    [InlineData("{\"quant_method\": \"bitsandbytes\"}", "bitsandbytes in neither 4 nor 8 bits")]
    public void Other_quantizations_are_refused_by_name_before_any_weight_is_read(string section, string method)
    {
        using var folder = Folder("quantization_config", section);
        var error = Assert.Throws<InvalidDataException>(() => AutoModel.Load(folder.FullName));
        Assert.Equal(
            $"{folder["config.json"]}: the weights are quantised with '{method}', which is not supported. Supported: bitsandbytes NF4. Take the original checkpoint: it can be held in 4 or 8 bits as it is loaded (quantization nf4 or int8).",
            error.Message);
    }

    [Fact]
    public void Nf4_is_not_made_int8()
    {
        using var folder = Folder("quantization_config", "{\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true, \"bnb_4bit_quant_type\": \"nf4\"}");
        var error = Assert.Throws<InvalidDataException>(() => AutoModel.Load(folder.FullName, new LoadOptions { Quantization = WeightQuantization.Int8 }));
        Assert.EndsWith("the weights are in nf4 already, and int8 was asked for. Take the original checkpoint for that, or ask for no quantization.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_block_size_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => AutoModel.Load(Path.Combine(Fixtures, "llama"), new LoadOptions { Quantization = WeightQuantization.Nf4, Nf4BlockSize = 48 }));
        Assert.StartsWith("Expected a block of 32, 64, 128, 256, 512, 1024, 2048, 4096 numbers, found 48.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Int8_cannot_be_saved()
    {
        using var folder = new TemporaryFolder();
        using var model = AutoModel.Load(Path.Combine(Fixtures, "llama"), new LoadOptions { Quantization = WeightQuantization.Int8 });
        var error = Assert.Throws<InvalidOperationException>(() => PretrainedFolder.Save(model, folder["saved"]));
        Assert.StartsWith("A model in int8 is for generation alone and cannot be saved:", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["saved"]));
    }

    [Fact]
    public void Quantised_weights_are_not_trained_without_an_adapter()
    {
        using var model = AutoModel.Load(Path.Combine(Fixtures, "llama"), new LoadOptions { Quantization = WeightQuantization.Nf4 });
        var error = Assert.Throws<InvalidDataException>(() => new TrainingSession(model, new TrainingOptions(), 10, 1, null));
        Assert.Equal("The model's linear layers are quantised (nf4), and such weights cannot be trained. Train an adapter on it ('lora'), or take the original weights as they are.", error.Message);
    }

    [Theory]
    [InlineData(".absmax", null, "and '{0}.absmax', which belongs to it, is missing. Is this an interrupted save?")]
    [InlineData(".absmax", 3L, "the parts of '{0}' do not belong together: ")]
    [InlineData(".nested_absmax", 7L, "the parts of '{0}' do not belong together: ")]
    [InlineData(".nested_quant_map", 17L, "the parts of '{0}' do not belong together: ")]
    [InlineData(".quant_map", 16L, "'{0}.quant_map' has other levels than NF4.")]
    [InlineData("", 12L, "the parts of '{0}' do not belong together: ")]
    public void A_damaged_part_is_named(string suffix, long? size, string message)
    {
        const string Damaged = "model.layers.1.mlp.up_proj.weight";
        using var folder = new TemporaryFolder();
        using (var model = AutoModel.Load(Path.Combine(Fixtures, "llama"), new LoadOptions { Quantization = WeightQuantization.Nf4 }))
        {
            PretrainedFolder.Save(model, folder.FullName);
            using var scope = torch.NewDisposeScope();
            var kept = model.Parameters.Where(parameter => parameter.Name != Damaged + suffix);
            if (size is { } count) kept = kept.Append(new NamedParameter(Damaged + suffix, torch.zeros([count], suffix is "" or ".absmax" ? ScalarType.Byte : ScalarType.Float32)));
            WeightFile.Write(folder["model.safetensors"], kept);
        }

        var error = Assert.Throws<InvalidDataException>(() => AutoModel.Load(folder.FullName));
        Assert.Contains(string.Format(System.Globalization.CultureInfo.InvariantCulture, message, Damaged), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Loading_and_computing_leaves_no_tensor_behind()
    {
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            using var scope = torch.NewDisposeScope();
            using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, "llama"), new LoadOptions { Quantization = WeightQuantization.Nf4 });
            _ = Logits(model, torch.tensor(new long[] { 1, 2, 3 }, 1, 3));
        }));
    }

    private static float[] Logits(ICausalLanguageModel model, Tensor ids)
    {
        using var gradients = torch.no_grad();
        return model.Logits(model.Hidden(ids)).to(ScalarType.Float32).ToArray<float>();
    }

    private static byte[] Bytes(Tensor tensor) => tensor.dtype.ElementSize() switch
    {
        1 => tensor.ToArray<byte>(),
        2 => MemoryMarshal.AsBytes(tensor.ToArray<ushort>().AsSpan()).ToArray(),
        _ => MemoryMarshal.AsBytes(tensor.ToArray<float>().AsSpan()).ToArray(),
    };

    private static TemporaryFolder Folder(string key, string value)
    {
        var folder = new TemporaryFolder();
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures, "llama", "config.json")))!.AsObject();
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(folder["config.json"], config.ToJsonString());
        return folder;
    }
}
