using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

public sealed class PackedModelTests
{
    /// <summary>The causal models among the fixtures that a step can compute.</summary>
    public static TheoryData<string> Causal => [.. Packed.Where(name => Load(name) is ICausalLanguageModel)];

    private static IReadOnlyList<string> Packed { get; } = [.. ModelFixtures.Names.Where(IsPacked)];

    [Fact]
    public void A_step_computes_every_family() =>
        Assert.Equal(
            [
                "bart", "bert-classifier", "bert-classifier-old-layout", "gpt-neox", "gpt-neox-bf16-sharded", "gpt-neox-fp16", "gpt-neox-old-layout", "gpt-neox-sequential", "gpt2-old-layout",
                "llama", "llama3-rope-old-layout", "mistral-sliding-window", "qwen2", "qwen3", "roberta-classifier", "roberta-mlm", "t5",
            ],
            Packed);

    [Theory]
    [MemberData(nameof(Causal))]
    public void A_step_computes_the_logits_of_the_model(string name)
    {
        using var model = (ICausalLanguageModel)Load(name);
        using var noGrad = torch.no_grad();
        int[][] texts = [Tokens(model, 1, 37), Tokens(model, 2, 16), Tokens(model, 3, 1), Tokens(model, 4, 20)];
        var found = PackedRows.OfAllTokens(PackedModel.Of(model)!, texts);
        for (var row = 0; row < texts.Length; row++)
        {
            using var scope = torch.NewDisposeScope();
            PackedRows.AssertClose(model.Logits(model.Hidden(PackedRows.Ids(texts[row]))).ToArray<float>(), found[row], 2e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Causal))]
    public void A_row_is_the_same_to_the_last_bit_alone_and_in_parts_and_among_others(string name)
    {
        using var model = (ICausalLanguageModel)Load(name);
        foreach (var narrow in new[] { false, true })
        {
            using var autocast = narrow ? torch.autocast(ScalarType.BFloat16) : null;
            var packed = PackedModel.Of(model)!;
            var texts = Enumerable.Range(0, 9).Select(i => Tokens(model, i, 1 + (i * 13 % 41))).ToArray();
            var together = PackedRows.OfAllTokens(packed, texts);
            var parts = PackedRows.OfAllTokens(packed, texts, chunk: 7);
            for (var row = 0; row < texts.Length; row++)
            {
                var alone = Assert.Single(PackedRows.OfAllTokens(packed, [texts[row]]));
                Assert.Equal(alone, together[row]);
                Assert.Equal(alone, parts[row]);
                Assert.Equal(alone, Assert.Single(PackedRows.OfAllTokens(packed, [texts[row]], chunk: 1)));
                Assert.Equal(alone[^packed.Outputs..], Assert.Single(PackedRows.OfOneToken(packed, [texts[row]], last: true)));
            }
        }
    }

    [Theory]
    [InlineData("gpt-neox")]
    [InlineData("llama")]
    [InlineData("gpt2-old-layout")]
    public void A_step_computes_the_classes_of_a_causal_classifier(string name)
    {
        using var model = AutoModel.LoadForSequenceClassification(Path.Combine(ModelFixtures.Root, name), ["a", "b", "c"], seed: 1, out _);
        using var noGrad = torch.no_grad();
        int[][] texts = [PackedRows.Tokens(90, 1, 19), PackedRows.Tokens(90, 2, 1), PackedRows.Tokens(90, 3, 33)];
        var found = PackedRows.OfOneToken(PackedModel.Of(model)!, texts, last: true);
        for (var row = 0; row < texts.Length; row++)
        {
            using var scope = torch.NewDisposeScope();
            PackedRows.AssertClose(model.Forward(PackedRows.Ids(texts[row])).ToArray<float>(), found[row], 2e-5);
        }
    }

    private static bool IsPacked(string name)
    {
        using var model = Load(name);
        return PackedModel.Of(model) is not null;
    }

    private static IPretrainedModel Load(string name) => AutoModel.Load(Path.Combine(ModelFixtures.Root, name));

    [Fact]
    public void The_source_of_packed_matrices_can_be_given_back()
    {
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(ModelFixtures.Root, "gpt-neox"));
        var text = PackedRows.Tokens(model.VocabularySize, 1, 20);
        var before = PackedRows.OfAllTokens(PackedModel.Of(model)!, [text]);
        PackedModel.Of(model)!.GiveBackSource();
        Assert.All(model.Linears, layer => Assert.Equal(0, layer.Weight.Parameters[0].Value.numel()));
        Assert.Equal(before[0], PackedRows.OfAllTokens(PackedModel.Of(model)!, [text])[0]);
        Assert.Throws<TorchException>(() => model.Hidden(PackedRows.Ids(text)));
        using var autocast = torch.autocast(ScalarType.BFloat16);
        Assert.StartsWith("The model's own weights were given back when it was packed in Float32. Load it again for BFloat16", Assert.Throws<InvalidOperationException>(() => PackedModel.Of(model)).Message, StringComparison.Ordinal);
    }

    private static int[] Tokens(ICausalLanguageModel model, int seed, int count) => PackedRows.Tokens(model.VocabularySize, seed, Math.Min(count, model.MaxLength));
}
