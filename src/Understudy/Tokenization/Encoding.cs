namespace Understudy.Tokenization;

/// <summary>One text, or a pair of texts, as tokens. All lists have one entry per token.</summary>
public sealed record Encoding
{
    /// <summary>The ids that a model takes.</summary>
    public required int[] Ids { get; init; }

    /// <summary>The tokens as the vocabulary spells them; for an added token the text that it matched.</summary>
    public required string[] Tokens { get; init; }

    /// <summary>The part [Start, End) of the input that a token stands for, in UTF-16 units; (0, 0) for tokens that are in no input.</summary>
    public required (int Start, int End)[] Offsets { get; init; }

    /// <summary>Which segment a token belongs to, as the tokenizer's template says; usually 0 for the first text and 1 for the second.</summary>
    public required int[] TypeIds { get; init; }

    /// <summary>Which text a token comes from: 0 for the first, 1 for the second, null for tokens that are in neither.</summary>
    public required int?[] SequenceIds { get; init; }

    /// <summary>1 for tokens that the tokenizer put around or after the text, padding included, else 0.</summary>
    public required int[] SpecialTokensMask { get; init; }

    /// <summary>0 for padding, else 1.</summary>
    public required int[] AttentionMask { get; init; }

    /// <summary>What truncation cut off, each part with special tokens and padding of its own.</summary>
    public required IReadOnlyList<Encoding> Overflowing { get; init; }

    /// <summary>The number of tokens.</summary>
    public int Length => Ids.Length;
}
