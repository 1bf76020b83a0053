namespace Understudy.Generation;

/// <summary>Allows nothing but one token at the second place of a row: the first that an encoder-decoder generates.</summary>
public sealed class ForcedBosTokenLogitsProcessor : ILogitsProcessor
{
    private readonly int tokenId;

    /// <summary>A processor for a token of the model's vocabulary.</summary>
    public ForcedBosTokenLogitsProcessor(int tokenId)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokenId);
        this.tokenId = tokenId;
    }

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
    {
        if (row.Tokens.Length != 1) return;
        logits.Fill(float.NegativeInfinity);
        logits[tokenId] = 0;
    }
}
