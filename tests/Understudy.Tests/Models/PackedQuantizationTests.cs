using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

public sealed class PackedQuantizationTests
{
    private static readonly LoraConfig Everything = new() { R = 4, LoraAlpha = 8, TargetPattern = LoraConfig.AllLinear, InitLoraWeights = LoraInit.Random };

    /// <summary>In blocks of 32, GPT-NeoX's rows of 96 are whole blocks and its rows of 48 are not, as all of Llama's: those become dense.</summary>
    [Theory]
    [InlineData("gpt-neox", WeightQuantization.Nf4, false)]
    [InlineData("gpt-neox", WeightQuantization.Nf4, true)]
    [InlineData("gpt-neox", WeightQuantization.Int8, true)]
    [InlineData("llama", WeightQuantization.Nf4, true)]
    [InlineData("llama", WeightQuantization.Int8, false)]
    [InlineData("llama", WeightQuantization.Int8, true)]
    [InlineData("gpt2-old-layout", WeightQuantization.Nf4, true)]
    [InlineData("gpt2-old-layout", WeightQuantization.Int8, true)]
    public void A_step_computes_the_logits_of_weights_in_few_bits_and_of_an_adapter_beside_them(string name, WeightQuantization quantization, bool adapted)
    {
        using var model = Load(name, quantization);
        using var lora = new LoraModel(model);
        if (adapted) lora.Add(Everything, 3);
        using var noGrad = torch.no_grad();
        int[][] texts = [PackedRows.Tokens(90, 1, 19), PackedRows.Tokens(90, 2, 1), PackedRows.Tokens(90, 3, 33)];
        var found = PackedRows.OfAllTokens(PackedModel.Of(model)!, texts);
        for (var row = 0; row < texts.Length; row++)
        {
            using var scope = torch.NewDisposeScope();
            PackedRows.AssertClose(model.Logits(model.Hidden(PackedRows.Ids(texts[row]))).ToArray<float>(), found[row], 2e-5);
        }
    }

    [Theory]
    [InlineData("gpt-neox")]
    [InlineData("llama")]
    public void The_output_layer_is_in_eight_bits_where_asked_for(string name)
    {
        var options = new LoadOptions { Quantization = WeightQuantization.Int8, QuantizeOutput = true };
        var folder = Path.Combine(ModelFixtures.Root, name);
        using var model = AutoModel.LoadCausalLanguageModel(folder, options);
        using var noGrad = torch.no_grad();
        Assert.Equal(["Int8Weight"], model.Linears.Select(layer => layer.Weight.GetType().Name).Distinct());
        // One row and three go different ways through the codes.
        foreach (var rows in new[] { 1, 3 })
        {
            var text = PackedRows.Tokens(90, rows, rows);
            using var scope = torch.NewDisposeScope();
            PackedRows.AssertClose(model.Logits(model.Hidden(PackedRows.Ids(text))).ToArray<float>(), PackedRows.OfAllTokens(PackedModel.Of(model)!, [text])[0], 2e-5);
        }

        Assert.StartsWith("Output layers are quantised in int8 alone, and nf4 was asked for.", Assert.Throws<ArgumentException>(() => AutoModel.LoadCausalLanguageModel(folder, options with { Quantization = WeightQuantization.Nf4 })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpt-neox", "embed_out")]
    [InlineData("llama", "lm_head")]
    public void An_adapter_on_an_output_layer_in_eight_bits_is_beside_it(string name, string head)
    {
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(ModelFixtures.Root, name), new LoadOptions { Quantization = WeightQuantization.Int8, QuantizeOutput = true });
        using var noGrad = torch.no_grad();
        var text = PackedRows.Tokens(90, 1, 19);
        var plain = PackedRows.OfAllTokens(PackedModel.Of(model)!, [text])[0];
        using var lora = new LoraModel(model);
        lora.Add(Everything with { TargetPattern = null, TargetModules = [head] }, 3);
        using var scope = torch.NewDisposeScope();
        var expected = model.Logits(model.Hidden(PackedRows.Ids(text))).ToArray<float>();
        Assert.NotInRange(expected.Zip(plain, (x, y) => Math.Abs(x - y)).Max(), 0, 1e-2);
        PackedRows.AssertClose(expected, PackedRows.OfAllTokens(PackedModel.Of(model)!, [text])[0], 2e-5);
    }

    [Fact]
    public void Another_adapter_is_another_step()
    {
        using var model = Load("llama", WeightQuantization.Int8);
        using var lora = new LoraModel(model);
        int[][] texts = [PackedRows.Tokens(90, 1, 19)];
        var plain = PackedRows.OfAllTokens(PackedModel.Of(model)!, texts)[0];
        lora.Add(Everything, 3, "first");
        var first = PackedRows.OfAllTokens(PackedModel.Of(model)!, texts)[0];
        lora.Add(Everything, 4, "second");
        Assert.NotEqual(plain, first);
        Assert.NotEqual(first, PackedRows.OfAllTokens(PackedModel.Of(model)!, texts)[0]);
        lora.SetActive("first");
        Assert.Equal(first, PackedRows.OfAllTokens(PackedModel.Of(model)!, texts)[0]);
        lora.SetActive(null);
        Assert.Equal(plain, PackedRows.OfAllTokens(PackedModel.Of(model)!, texts)[0]);
    }

    [Fact]
    public void A_change_of_lengths_beside_few_bits_is_left_to_the_model()
    {
        using var model = Load("llama", WeightQuantization.Nf4);
        using var lora = new LoraModel(model);
        lora.Add(Everything with { UseDora = true }, 3);
        Assert.Null(PackedModel.Of(model));
        lora.SetActive(null);
        Assert.NotNull(PackedModel.Of(model));
    }

    private static ICausalLanguageModel Load(string name, WeightQuantization quantization) =>
        AutoModel.LoadCausalLanguageModel(Path.Combine(ModelFixtures.Root, name), new LoadOptions { Quantization = quantization, Nf4BlockSize = 32 });
}
