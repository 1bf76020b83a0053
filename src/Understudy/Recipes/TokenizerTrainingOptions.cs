using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>How the tokenizer of a model that starts from random weights is learnt.</summary>
public sealed record TokenizerTrainingOptions
{
    /// <summary>The kind of tokenizer.</summary>
    /// <value>The default value is <see cref="TokenizerKind.ByteLevelBpe"/>.</value>
    public TokenizerKind Kind { get; init; } = TokenizerKind.ByteLevelBpe;

    /// <summary>Tokens of the vocabulary, special tokens included; at least 300, since all 256 bytes have a token.</summary>
    /// <value>The default value is 8192.</value>
    public int VocabularySize { get; init; } = 8192;

    /// <summary>How often a pair of tokens has to occur to be merged, at least 1.</summary>
    /// <value>The default value is 2.</value>
    public int MinFrequency { get; init; } = 2;

    /// <summary>Whether text is lower-cased before anything else, which spends the vocabulary of a small model on words instead of on their spellings. WordPiece always does.</summary>
    /// <value>The default value is false.</value>
    public bool Lowercase { get; init; }

    /// <summary>Whether every digit is a token of its own; byte-level BPE only.</summary>
    /// <value>The default value is false.</value>
    public bool SplitDigits { get; init; }

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        Between("vocabulary_size", VocabularySize, 300, 1_000_000),
        AtLeast("min_frequency", MinFrequency, 1),
        SplitDigits && Kind == TokenizerKind.WordPiece ? new OptionFault("split_digits", "has no effect on word_piece. Remove it, or use byte_level_bpe.") : null);
}
