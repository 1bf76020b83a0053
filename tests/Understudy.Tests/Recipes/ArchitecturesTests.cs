using Understudy.Recipes;
using Understudy.Tokenization;

namespace Understudy.Tests.Recipes;

public sealed class ArchitecturesTests
{
    [Theory]
    [InlineData(ArchitectureFamily.Bert)]
    [InlineData(ArchitectureFamily.Roberta)]
    public void The_special_tokens_are_those_of_the_tokenizer(ArchitectureFamily family)
    {
        var options = new ArchitectureOptions { Family = family };
        string[] specials = ["<s>", "<pad>", "</s>"];
        var bytes = BpeTrainer.Train(["a b c"], new BpeTrainerOptions { VocabularySize = 300, SpecialTokens = [.. specials.Select(content => new AddedToken { Content = content, Special = true })] });
        var config = Architectures.Classifier(options, bytes, ["yes", "no"]);
        Assert.Equal([1, 0, 2], new int?[] { config.PadTokenId, config.BosTokenId, config.EosTokenId });
        Assert.Equal(512, config.MaxLength);

        var pieces = WordPieceTrainer.Train(["a b c"], new WordPieceTrainerOptions { VocabularySize = 300 });
        config = Architectures.Classifier(options, pieces, ["yes", "no"]);
        Assert.Equal(
            [pieces.TokenToId("[PAD]"), pieces.TokenToId("[CLS]"), pieces.TokenToId("[SEP]")],
            new int?[] { config.PadTokenId, config.BosTokenId, config.EosTokenId });
        Assert.NotNull(config.BosTokenId);
        Assert.Equal(512, config.MaxLength);
    }
}
