namespace Understudy.Generation;

/// <summary>Forbids every token that would complete a sequence of n tokens that occurs in the row already, prompt included.</summary>
public sealed class NoRepeatNGramLogitsProcessor : ILogitsProcessor
{
    private readonly int size;

    /// <summary>A processor for sequences of <paramref name="size"/> tokens, at least 1.</summary>
    public NoRepeatNGramLogitsProcessor(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        this.size = size;
    }

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
    {
        var tokens = row.Tokens;
        if (tokens.Length < size) return;
        var prefix = tokens[(tokens.Length + 1 - size)..];
        for (var end = size - 1; end < tokens.Length; end++)
        {
            if (tokens.Slice(end + 1 - size, size - 1).SequenceEqual(prefix)) logits[tokens[end]] = float.NegativeInfinity;
        }
    }
}
