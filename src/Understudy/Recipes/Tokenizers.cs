using Understudy.Tokenization;
using Understudy.Tokenization.PostProcessors;

namespace Understudy.Recipes;

/// <summary>Tokenizers for models that start from random weights.</summary>
internal static class Tokenizers
{
    /// <summary>GPT-NeoX's token that begins and ends a text.</summary>
    internal const string EndOfText = "<|endoftext|>";

    /// <summary>The padding token.</summary>
    internal const string Padding = "<pad>";

    /// <summary>RoBERTa's and BART's token that begins a text.</summary>
    internal const string Begin = "<s>";

    /// <summary>RoBERTa's and BART's token that ends a text.</summary>
    internal const string End = "</s>";

    /// <summary>The token that stands for hidden words.</summary>
    internal const string Mask = "<mask>";

    // Those of all families, so that one vocabulary serves a decoder, an encoder and an encoder-decoder; the order of RoBERTa's.
    private static readonly AddedToken[] Specials =
        [Special(Begin), Special(Padding), Special(End), Special("<unk>"), Special(Mask) with { LStrip = true }, Special(EndOfText)];

    /// <summary>Learns a tokenizer with the special tokens of all families, put around a text as one of them does.</summary>
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

    /// <summary>The same vocabulary for a model of another family, which puts other tokens around a text.</summary>
    /// <param name="tokenizer">A byte-level BPE that <see cref="Learn"/> made.</param>
    /// <param name="family">The family.</param>
    /// <exception cref="InvalidDataException">It lacks the family's special tokens.</exception>
    internal static Tokenizer For(Tokenizer tokenizer, ArchitectureFamily family)
    {
        SpecialTokenPair Pair(string token) => new(token, Id(tokenizer, token));
        return new Tokenizer(tokenizer.Parts with
        {
            PostProcessor = family == ArchitectureFamily.GptNeox
                ? new ByteLevelPostProcessor(addPrefixSpace: false, trimOffsets: true, useRegex: true)
                : new RobertaPostProcessor(Pair(End), Pair(Begin), trimOffsets: true, addPrefixSpace: false),
        });
    }

    /// <summary>The id of a token that a tokenizer must have.</summary>
    /// <exception cref="InvalidDataException">It has none.</exception>
    internal static int Id(Tokenizer tokenizer, string token) =>
        tokenizer.TokenToId(token) ?? throw new InvalidDataException($"The tokenizer has no token '{token}', which this family of models needs. Learn one with 'pretrain', or choose another family.");

    /// <summary>The token between documents: GPT-NeoX's, or for a tokenizer from elsewhere the one that ends a text.</summary>
    /// <exception cref="InvalidDataException">It has neither.</exception>
    internal static int Separator(Tokenizer tokenizer) => tokenizer.TokenToId(EndOfText) ?? tokenizer.TokenToId(End)
        ?? throw new InvalidDataException($"The tokenizer has neither '{EndOfText}' nor '{End}', one of which goes between documents. Take a model with another tokenizer, or learn one with 'pretrain'.");

    private static BpeTrainerOptions ByteLevel(TokenizerTrainingOptions options, ArchitectureFamily family) => new()
    {
        VocabularySize = options.VocabularySize,
        MinFrequency = options.MinFrequency,
        Lowercase = options.Lowercase,
        SplitDigits = options.SplitDigits,
        SpecialTokens = Specials,
        RobertaTemplate = family == ArchitectureFamily.GptNeox ? null : (Begin, End),
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
