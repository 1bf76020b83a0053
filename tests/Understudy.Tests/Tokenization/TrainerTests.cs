using Understudy.Tokenization;

namespace Understudy.Tests.Tokenization;

public sealed class TrainerTests
{
    private static readonly string Corpus = Path.Combine("Fixtures", "tokenizers", "trainer_corpus.txt");

    private static readonly BpeTrainerOptions Roberta = new()
    {
        VocabularySize = 400,
        SpecialTokens =
        [
            new() { Content = "<s>", Special = true }, new() { Content = "<pad>", Special = true }, new() { Content = "</s>", Special = true },
            new() { Content = "<unk>", Special = true }, new() { Content = "<mask>", Special = true, LStrip = true },
        ],
        RobertaTemplate = ("<s>", "</s>"),
    };

    [Fact]
    public void Bpe_training_depends_on_the_counts_and_not_on_the_order_of_the_lines()
    {
        var lines = File.ReadAllLines(Corpus);
        var options = new BpeTrainerOptions { VocabularySize = 500 };
        var forward = BpeTrainer.Train(lines, options);
        var backward = BpeTrainer.Train(lines.Reverse(), options);
        Assert.Equal(500, forward.VocabularySize);
        Assert.Equal(forward.Merges, backward.Merges);
    }

    [Fact]
    public void Word_piece_training_depends_on_the_counts_and_not_on_the_order_of_the_lines()
    {
        var lines = File.ReadAllLines(Corpus);
        var options = new WordPieceTrainerOptions { VocabularySize = 500 };
        var forward = WordPieceTrainer.Train(lines, options);
        var backward = WordPieceTrainer.Train(lines.Reverse(), options);
        Assert.Equal(500, forward.VocabularySize);
        Assert.Equal(Enumerable.Range(0, 500).Select(forward.IdToToken), Enumerable.Range(0, 500).Select(backward.IdToToken));
    }

    [Fact]
    public void A_pair_must_reach_the_minimum_frequency()
    {
        var tokenizer = BpeTrainer.Train(["ab ab", "cd"], new BpeTrainerOptions { MinFrequency = 2, AllBytes = false });
        // ' ab' and 'ab' share one pair; 'cd' and the pair with the space come once.
        Assert.Equal([("a", "b")], tokenizer.Merges);
        Assert.Equal(6, tokenizer.VocabularySize);
    }

    [Fact]
    public void A_roberta_template_puts_its_tokens_around_texts()
    {
        var tokenizer = BpeTrainer.Train(File.ReadLines(Corpus), Roberta);
        var encoding = tokenizer.Encode("play <mask>", "ok");
        Assert.Equal(0, encoding.Ids[0]);
        Assert.Equal([2, 2], encoding.Ids[^5..^2].SkipWhile(id => id != 2).Take(2));
        Assert.Equal("play<mask>ok", tokenizer.Decode(encoding.Ids, skipSpecialTokens: false).Replace("<s>", "", StringComparison.Ordinal).Replace("</s>", "", StringComparison.Ordinal));
        Assert.Equal(4, tokenizer.TokenToId("<mask>"));
    }

    [Fact]
    public void A_template_with_an_unknown_token_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => BpeTrainer.Train(["a"], Roberta with { RobertaTemplate = ("[CLS]", "</s>") }));
        Assert.Equal("The template names '[CLS]', which is not among the special tokens. Add it to 'SpecialTokens'. (Parameter 'options')", error.Message);
    }

    [Fact]
    public void Word_piece_marks_continuations_and_puts_bert_tokens_around_texts()
    {
        var tokenizer = WordPieceTrainer.Train(["Hello hello HÉLLO he"], new WordPieceTrainerOptions { VocabularySize = 40 });
        Assert.Equal("[CLS] hello [SEP]", string.Join(' ', tokenizer.Encode("HELLO").Tokens));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_saved_tokenizer_encodes_and_decodes_as_before(bool wordPiece)
    {
        using var folder = new TemporaryFolder();
        var trained = wordPiece
            ? WordPieceTrainer.Train(File.ReadLines(Corpus), new WordPieceTrainerOptions { VocabularySize = 400 })
            : BpeTrainer.Train(File.ReadLines(Corpus), Roberta);
        trained.WithTruncation(new TruncationOptions { MaxLength = 16, Stride = 2, Side = Side.Left })
            .WithPadding(new PaddingOptions { PadToMultipleOf = 8, PadId = 1, PadToken = "<pad>" })
            .Save(folder["tokenizer.json"]);
        var loaded = Tokenizer.FromFolder(folder.FullName);
        Assert.Equal(trained.VocabularySize, loaded.VocabularySize);
        Assert.Equal(trained.AddedTokens, loaded.AddedTokens);
        Assert.Equal(new TruncationOptions { MaxLength = 16, Stride = 2, Side = Side.Left }, loaded.Truncation);
        Assert.Equal(new PaddingOptions { PadToMultipleOf = 8, PadId = 1, PadToken = "<pad>" }, loaded.Padding);
        loaded = loaded.WithTruncation(null).WithPadding(null);
        foreach (var line in File.ReadLines(Corpus).Take(200))
        {
            var (expected, actual) = (trained.Encode(line, "x 😀 y"), loaded.Encode(line, "x 😀 y"));
            Assert.Equal(expected.Ids, actual.Ids);
            Assert.Equal(expected.Offsets, actual.Offsets);
            Assert.Equal(trained.Decode(expected.Ids), loaded.Decode(actual.Ids));
        }
    }
}
