using Understudy.Recipes;
using Understudy.Tokenization;

namespace Understudy.Tests.Recipes;

public sealed class TokenizersTests
{
    private static readonly ArchitectureFamily[] Families = [ArchitectureFamily.GptNeox, ArchitectureFamily.Roberta, ArchitectureFamily.Bart];

    private static readonly string[] Odd =
    [
        "", " ", "  two  spaces ", "tab\tand\r\nCRLF\n\n", "naïve e\u0301 o\u0308\u0323", "\U0001F469\u200D\U0001F469\u200D\U0001F467 \U0001F1E9\U0001F1EA", "\u0001\u0007\u001b[0m", "漢字かな한국어 العربية हिन्दी",
        "don't I'LL 3.14 1,000,000 2026-11-21", "\ufeffmark \u00a0no-break\u2028line", "<s> </s> <pad> <unk> <mask> <|endoftext|>", "a\ufffdb",
    ];

    public static TheoryData<string> OddTexts() => [.. Odd];

    [Theory]
    [MemberData(nameof(OddTexts))]
    public void Every_text_comes_back_as_it_was(string text)
    {
        foreach (var family in Families)
        {
            var tokenizer = ToyText.TokenizerOf(family);
            Assert.Equal(text, tokenizer.Decode(tokenizer.EncodePlain(text), skipSpecialTokens: false));
        }
    }

    [Fact]
    public void One_vocabulary_serves_all_families_and_each_has_its_own_template()
    {
        var text = "The cat sees 2 dogs.";
        var plain = ToyText.Ids(text);
        var tokenizers = Families.ToDictionary(family => family, ToyText.TokenizerOf);
        Assert.Equal(plain, tokenizers[ArchitectureFamily.GptNeox].Encode(text).Ids);
        foreach (var family in new[] { ArchitectureFamily.Roberta, ArchitectureFamily.Bart })
        {
            int Id(string token) => Tokenizers.Id(tokenizers[family], token);
            Assert.Equal([Id("<s>"), .. plain, Id("</s>")], tokenizers[family].Encode(text).Ids);
            Assert.Equal([Id("<s>"), .. plain, Id("</s>"), Id("</s>"), .. plain, Id("</s>")], tokenizers[family].Encode(text, text).Ids);
        }

        Assert.Equal([0, 1, 2, 3, 4, 5], new[] { "<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>" }.Select(token => Tokenizers.Id(tokenizers[ArchitectureFamily.Roberta], token)));
        Assert.Single(tokenizers.Values.Select(tokenizer => tokenizer.VocabularySize).Distinct());
    }

    [Fact]
    public void Digits_are_tokens_of_their_own()
    {
        var tokenizer = ToyText.TokenizerOf(ArchitectureFamily.GptNeox);
        Assert.All(Enumerable.Range(0, tokenizer.TokenBytes.Count), id =>
        {
            var bytes = tokenizer.TokenBytes.Of(id).ToArray();
            if (bytes.Any(one => one is >= (byte)'0' and <= (byte)'9')) Assert.Single(bytes);
        });
        Assert.Equal(4, tokenizer.EncodePlain("2026").Length);
    }

    [Fact]
    public void What_was_learnt_survives_its_file()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = ToyText.TokenizerOf(ArchitectureFamily.Roberta);
        tokenizer.Save(folder["tokenizer.json"]);
        var read = Tokenizers.For(Tokenizer.FromFile(folder["tokenizer.json"]), ArchitectureFamily.GptNeox);
        Assert.All(Odd, text => Assert.Equal(ToyText.TokenizerOf(ArchitectureFamily.GptNeox).Encode(text).Ids, read.Encode(text).Ids));
    }

    [Fact]
    public void A_tokenizer_without_the_tokens_of_a_family_is_refused()
    {
        var tokenizer = BpeTrainer.Train(["some text"], new BpeTrainerOptions { VocabularySize = 300 });
        Assert.Equal("The tokenizer has no token '</s>', which this family of models needs. Learn one with 'pretrain', or choose another family.",
            Assert.Throws<InvalidDataException>(() => Tokenizers.For(tokenizer, ArchitectureFamily.Roberta)).Message);
        Assert.Equal("The tokenizer has neither '<|endoftext|>' nor '</s>', one of which goes between documents. Take a model with another tokenizer, or learn one with 'pretrain'.",
            Assert.Throws<InvalidDataException>(() => Tokenizers.Separator(tokenizer)).Message);
    }
}
