using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

public sealed class PackedEncoderTests
{
    private static readonly int[] Lengths = [30, 1, 17, 16, 2, 25];

    [Theory]
    [InlineData("bert-classifier")]
    [InlineData("bert-classifier-old-layout")]
    [InlineData("roberta-classifier")]
    public void A_step_computes_the_classes_of_a_text(string name)
    {
        using var model = AutoModel.LoadSequenceClassifier(Path.Combine(ModelFixtures.Root, name));
        using var noGrad = torch.no_grad();
        var texts = Lengths.Select((length, row) => PackedRows.Tokens(90, row, length)).ToArray();
        var found = PackedRows.OfOneToken(PackedModel.Of(model)!, texts);
        for (var row = 0; row < texts.Length; row++)
        {
            using var scope = torch.NewDisposeScope();
            PackedRows.AssertClose(model.Forward(PackedRows.Ids(texts[row])).ToArray<float>(), found[row], 2e-5);
        }
    }

    [Theory]
    [InlineData("bert-classifier")]
    [InlineData("roberta-classifier")]
    public void A_text_has_the_same_classes_to_the_last_bit_alone_and_among_others(string name)
    {
        using var model = AutoModel.LoadSequenceClassifier(Path.Combine(ModelFixtures.Root, name));
        foreach (var narrow in new[] { false, true })
        {
            using var autocast = narrow ? torch.autocast(ScalarType.BFloat16) : null;
            var packed = PackedModel.Of(model)!;
            var texts = Lengths.Select((length, row) => PackedRows.Tokens(90, row, length)).ToArray();
            var together = PackedRows.OfOneToken(packed, texts);
            for (var row = 0; row < texts.Length; row++) Assert.Equal(Assert.Single(PackedRows.OfOneToken(packed, [texts[row]])), together[row]);
        }
    }

    [Fact]
    public void The_second_text_of_a_pair_has_tokens_of_another_type()
    {
        using var model = TinyClassifier.New("bert");
        using var noGrad = torch.no_grad();
        int[][] texts = [[2, 5, 6, 3, 7, 8, 3], [2, 9, 3], [2, 5, 3, 6, 3]];
        int[][] types = [[0, 0, 0, 0, 1, 1, 1], [], [0, 0, 0, 1, 1]];
        var packed = PackedModel.Of(model)!;
        var found = PackedRows.OfOneToken(packed, texts, types: types);
        for (var row = 0; row < texts.Length; row++)
        {
            using var scope = torch.NewDisposeScope();
            var typeIds = types[row].Length == 0 ? null : PackedRows.Ids(types[row]);
            PackedRows.AssertClose(model.Forward(PackedRows.Ids(texts[row]), tokenTypeIds: typeIds).ToArray<float>(), found[row], 2e-5);
        }

        Assert.NotEqual(found[0], Assert.Single(PackedRows.OfOneToken(packed, [texts[0]])));
        Assert.Contains("token type 2 is out of range: the table has 2 rows", Assert.Throws<TorchException>(() => PackedRows.OfOneToken(packed, [[2, 3]], types: [[0, 2]])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Positions_of_RoBERTa_leave_out_the_padding_token_in_a_text()
    {
        using var model = TinyClassifier.New("roberta");
        using var noGrad = torch.no_grad();
        int[][] texts = [[0, 5, 1, 6, 1, 1, 7, 2], [0, 9, 2], [1]];
        var found = PackedRows.OfOneToken(PackedModel.Of(model)!, texts);
        for (var row = 0; row < texts.Length; row++)
        {
            using var scope = torch.NewDisposeScope();
            PackedRows.AssertClose(model.Forward(PackedRows.Ids(texts[row])).ToArray<float>(), found[row], 2e-5);
        }
    }

    [Fact]
    public void A_step_computes_the_logits_of_a_masked_language_model()
    {
        using var model = AutoModel.LoadMaskedLanguageModel(Path.Combine(ModelFixtures.Root, "roberta-mlm"));
        using var noGrad = torch.no_grad();
        var texts = Lengths.Select((length, row) => PackedRows.Tokens(model.VocabularySize, row, length)).ToArray();
        var found = PackedRows.OfAllTokens(PackedModel.Of(model)!, texts);
        for (var row = 0; row < texts.Length; row++)
        {
            using var scope = torch.NewDisposeScope();
            PackedRows.AssertClose(model.Forward(PackedRows.Ids(texts[row])).ToArray<float>(), found[row], 2e-5);
        }
    }

    [Fact]
    public void A_step_computes_the_embeddings_of_texts()
    {
        using var model = AutoModel.LoadEncoder(Path.Combine(ModelFixtures.Root, "bert-classifier"));
        using var noGrad = torch.no_grad();
        var texts = Lengths.Select((length, row) => PackedRows.Tokens(90, row, length)).ToArray();
        var packed = PackedModel.Of(model)!;
        var found = PackedRows.OfOneToken(packed, texts);
        for (var row = 0; row < texts.Length; row++)
        {
            using var scope = torch.NewDisposeScope();
            PackedRows.AssertClose(model.Embed(PackedRows.Ids(texts[row]), torch.ones([1, texts[row].Length], ScalarType.Int64)).ToArray<float>(), found[row], 2e-5);
            Assert.Equal(Assert.Single(PackedRows.OfOneToken(packed, [texts[row]])), found[row]);
        }
    }
}
