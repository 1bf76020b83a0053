namespace Understudy.Generation;

/// <summary>Puts together the processors that options ask for.</summary>
public static class LogitsProcessors
{
    /// <summary>
    /// The processors in the order in which <c>transformers</c> applies them: repetition penalty, n-grams, bad words, fewest tokens, forced first and last
    /// token, and when sampling temperature, top-k, top-p, min-p, typical-p. What changes nothing is left out.
    /// </summary>
    /// <param name="options">The options, valid.</param>
    /// <param name="badWords">The tokens of <see cref="SamplingOptions.BadWords"/>.</param>
    /// <param name="eosTokenIds">The model's end-of-text tokens.</param>
    /// <param name="minNewTokens">The fewest new tokens before a text may end.</param>
    /// <param name="forcedBosTokenId">The only token allowed after a beginning of one token.</param>
    /// <param name="forcedEosTokenIds">The only tokens allowed as the last of <see cref="SamplingOptions.MaxNewTokens"/>; null or empty for none.</param>
    public static IReadOnlyList<ILogitsProcessor> From(
        SamplingOptions options,
        IReadOnlyCollection<IReadOnlyList<int>> badWords,
        IReadOnlyCollection<int> eosTokenIds,
        int minNewTokens = 0,
        int? forcedBosTokenId = null,
        IReadOnlyCollection<int>? forcedEosTokenIds = null)
    {
        var processors = new List<ILogitsProcessor>();
        if (options.RepetitionPenalty != 1) processors.Add(new RepetitionPenaltyLogitsProcessor(options.RepetitionPenalty));
        if (options.NoRepeatNgramSize is { } size) processors.Add(new NoRepeatNGramLogitsProcessor(size));
        if (badWords.Count > 0) processors.Add(new NoBadWordsLogitsProcessor(badWords, eosTokenIds));
        if (minNewTokens > 0 && eosTokenIds.Count > 0) processors.Add(new MinNewTokensLengthLogitsProcessor(minNewTokens, eosTokenIds));
        if (forcedBosTokenId is { } first) processors.Add(new ForcedBosTokenLogitsProcessor(first));
        if (forcedEosTokenIds is { Count: > 0 }) processors.Add(new ForcedEosTokenLogitsProcessor(options.MaxNewTokens, forcedEosTokenIds));
        if (!options.DoSample) return processors;
        if (options.Temperature != 1) processors.Add(new TemperatureLogitsWarper(options.Temperature));
        if (options.TopK is { } k) processors.Add(new TopKLogitsWarper(k));
        if (options.TopP is { } topP and < 1) processors.Add(new TopPLogitsWarper(topP));
        if (options.MinP is { } minP) processors.Add(new MinPLogitsWarper(minP));
        if (options.TypicalP is { } typicalP) processors.Add(new TypicalLogitsWarper(typicalP));
        return processors;
    }
}
