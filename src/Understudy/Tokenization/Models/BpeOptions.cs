namespace Understudy.Tokenization.Models;

/// <summary>The settings of a byte-pair encoding, named as in <c>tokenizer.json</c>.</summary>
internal sealed record BpeOptions
{
    public string? UnkToken { get; init; }

    public string? ContinuingSubwordPrefix { get; init; }

    public string? EndOfWordSuffix { get; init; }

    public bool FuseUnk { get; init; }

    public bool ByteFallback { get; init; }

    public bool IgnoreMerges { get; init; }
}
