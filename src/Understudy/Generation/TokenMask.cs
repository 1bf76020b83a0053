using System.Buffers;
using System.Numerics;

namespace Understudy.Generation;

/// <summary>A set of tokens that may follow: a list where there are few of them, else one bit for each token. Immutable.</summary>
internal sealed class TokenMask
{
    private const int BitsPerWord = 64;

    private readonly int[]? few;
    private readonly ulong[] bits = [];

    /// <param name="tokens">The ids of the tokens, none negative; in any order, and more than once if need be.</param>
    public TokenMask(IEnumerable<int> tokens)
    {
        int[] ids = [.. tokens.Distinct().Order()];
        var words = ids.Length == 0 ? 0 : (ids[^1] / BitsPerWord) + 1;
        if (ids.Length <= 2 * words)
        {
            few = ids;
            return;
        }

        bits = new ulong[words];
        foreach (var id in ids) bits[id / BitsPerWord] |= 1UL << (id % BitsPerWord);
    }

    /// <summary>About how much memory it takes.</summary>
    public int Bytes => 64 + (bits.Length * sizeof(ulong)) + ((few?.Length ?? 0) * sizeof(int));

    /// <summary>Sets the logits of all other tokens to minus infinity.</summary>
    public void Apply(Span<float> logits)
    {
        if (few is not null)
        {
            ApplyFew(few, logits);
            return;
        }

        for (var word = 0; word * BitsPerWord < logits.Length; word++)
        {
            var block = logits[(word * BitsPerWord)..Math.Min((word + 1) * BitsPerWord, logits.Length)];
            var allowed = word < bits.Length ? bits[word] : 0;
            if (allowed == 0)
            {
                block.Fill(float.NegativeInfinity);
                continue;
            }

            for (var forbidden = ~allowed; forbidden != 0; forbidden &= forbidden - 1)
            {
                var bit = BitOperations.TrailingZeroCount(forbidden);
                if (bit >= block.Length) break;
                block[bit] = float.NegativeInfinity;
            }
        }
    }

    private static void ApplyFew(int[] few, Span<float> logits)
    {
        var kept = ArrayPool<float>.Shared.Rent(few.Length);
        for (var i = 0; i < few.Length; i++) kept[i] = few[i] < logits.Length ? logits[few[i]] : 0;
        logits.Fill(float.NegativeInfinity);
        for (var i = 0; i < few.Length; i++)
        {
            if (few[i] < logits.Length) logits[few[i]] = kept[i];
        }

        ArrayPool<float>.Shared.Return(kept);
    }
}
