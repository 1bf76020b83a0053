namespace Understudy.Generation;

/// <summary>Allows nothing but end-of-text tokens as the last token of a row that has not ended before.</summary>
public sealed class ForcedEosTokenLogitsProcessor : ILogitsProcessor
{
    private readonly int maxNewTokens;
    private readonly int[] tokenIds;

    /// <summary>A processor for rows of at most <paramref name="maxNewTokens"/> new tokens, at least 1.</summary>
    /// <param name="maxNewTokens">The most new tokens of a row.</param>
    /// <param name="tokenIds">The tokens that are allowed at its end, at least one, of the model's vocabulary.</param>
    public ForcedEosTokenLogitsProcessor(int maxNewTokens, IReadOnlyCollection<int> tokenIds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxNewTokens, 1);
        if (tokenIds.Count == 0 || tokenIds.Any(id => id < 0)) throw new ArgumentException("Expected at least one token, and none below 0.", nameof(tokenIds));
        (this.maxNewTokens, this.tokenIds) = (maxNewTokens, [.. tokenIds]);
    }

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
    {
        if (row.NewTokens != maxNewTokens - 1) return;
        logits.Fill(float.NegativeInfinity);
        foreach (var id in tokenIds) logits[id] = 0;
    }
}
