using Understudy.Tokenization;

namespace Understudy.Recipes;

/// <summary>Tokenizers for models that start from random weights.</summary>
internal static class Tokenizers
{
    /// <summary>GPT-NeoX's token that begins and ends a text.</summary>
    internal const string EndOfText = "<|endoftext|>";

    /// <summary>GPT-NeoX's padding token.</summary>
    internal const string Padding = "<|padding|>";

    /// <summary>Learns a tokenizer with the special tokens of a family.</summary>
    internal static Tokenizer Learn(IEnumerable<string> texts, TokenizerTrainingOptions options, ArchitectureFamily family, RunContext context)
    {
        using var bar = context.Progress.Start("learn tokenizer", null, "texts");
        var counted = Counted(texts, bar);
        var tokenizer = options.Kind == TokenizerKind.WordPiece
            ? WordPieceTrainer.Train(counted, new WordPieceTrainerOptions { VocabularySize = options.VocabularySize, MinFrequency = options.MinFrequency, Lowercase = true }, context.Cancel)
            : BpeTrainer.Train(counted, ByteLevel(options, family), context.Cancel);
        bar.Finish($"{tokenizer.VocabularySize:N0} tokens");
        return tokenizer;
    }

    private static BpeTrainerOptions ByteLevel(TokenizerTrainingOptions options, ArchitectureFamily family) => new()
    {
        VocabularySize = options.VocabularySize,
        MinFrequency = options.MinFrequency,
        Lowercase = options.Lowercase,
        SpecialTokens = family == ArchitectureFamily.GptNeox
            ? [Special(EndOfText), Special(Padding)]
            : [Special("<s>"), Special("<pad>"), Special("</s>"), Special("<unk>"), Special("<mask>") with { LStrip = true }],
        RobertaTemplate = family == ArchitectureFamily.GptNeox ? null : ("<s>", "</s>"),
    };

    private static AddedToken Special(string content) => new() { Content = content, Special = true };

    private static IEnumerable<string> Counted(IEnumerable<string> texts, Runs.IStageProgress bar)
    {
        var count = 0;
        foreach (var text in texts)
        {
            if (++count % 10_000 == 0)
            {
                bar.Advance(10_000);
            }

            yield return text;
        }
    }
}
