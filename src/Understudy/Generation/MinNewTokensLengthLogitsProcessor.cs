namespace Understudy.Generation;

/// <summary>Forbids the end-of-text tokens until a number of tokens has been generated.</summary>
public sealed class MinNewTokensLengthLogitsProcessor : ILogitsProcessor
{
    private readonly int minNewTokens;
    private readonly int[] eosTokenIds;

    /// <summary>A processor for at least <paramref name="minNewTokens"/> tokens, at least 0.</summary>
    public MinNewTokensLengthLogitsProcessor(int minNewTokens, IReadOnlyCollection<int> eosTokenIds)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minNewTokens);
        (this.minNewTokens, this.eosTokenIds) = (minNewTokens, [.. eosTokenIds]);
    }

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
    {
        if (row.NewTokens >= minNewTokens) return;
        foreach (var id in eosTokenIds)
        {
            if ((uint)id < (uint)logits.Length) logits[id] = float.NegativeInfinity;
        }
    }
}
