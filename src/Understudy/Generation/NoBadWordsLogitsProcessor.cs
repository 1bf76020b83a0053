namespace Understudy.Generation;

/// <summary>Forbids the last token of a forbidden sequence when the row ends with the tokens before it; a sequence of one token is always forbidden.</summary>
public sealed class NoBadWordsLogitsProcessor : ILogitsProcessor
{
    private readonly int[][] sequences;

    /// <summary>A processor for token sequences, each of at least one token.</summary>
    /// <param name="sequences">The forbidden sequences.</param>
    /// <param name="eosTokenIds">End-of-text tokens; a sequence that is nothing but one of them is left out, or no text could end.</param>
    public NoBadWordsLogitsProcessor(IEnumerable<IReadOnlyList<int>> sequences, IReadOnlyCollection<int> eosTokenIds)
    {
        this.sequences = [.. sequences.Select(sequence => sequence.ToArray()).Where(sequence => sequence.Length != 1 || !eosTokenIds.Contains(sequence[0]))];
        if (this.sequences.Any(sequence => sequence.Length == 0)) throw new ArgumentException("A forbidden sequence needs at least one token; found an empty one.", nameof(sequences));
    }

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
    {
        foreach (var sequence in sequences)
        {
            // The reference passes over sequences longer than the row, also when all but their last token would match.
            if (sequence.Length > 1 && sequence.Length > row.Tokens.Length) continue;
            if (row.Tokens.EndsWith(sequence.AsSpan(..^1)) && (uint)sequence[^1] < (uint)logits.Length) logits[sequence[^1]] = float.NegativeInfinity;
        }
    }
}
