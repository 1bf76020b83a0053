namespace Understudy.Tokenization.Training;

/// <summary>What <see cref="PairMerger"/> needs to know, for either kind of tokenizer.</summary>
internal sealed record MergeLearningOptions
{
    public required int VocabularySize { get; init; }

    public required int MinFrequency { get; init; }

    public required IReadOnlyList<string> SpecialTokens { get; init; }

    public IEnumerable<char> InitialAlphabet { get; init; } = [];

    public int? LimitAlphabet { get; init; }

    public string ContinuingSubwordPrefix { get; init; } = "";

    public string EndOfWordSuffix { get; init; } = "";

    public int MaxTokenLength { get; init; } = int.MaxValue;
}
