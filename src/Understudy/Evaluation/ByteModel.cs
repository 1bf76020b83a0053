using System.Runtime.CompilerServices;

namespace Understudy.Evaluation;

/// <summary>
/// Tells the next byte of a document from the few bytes before it: interpolated Kneser-Ney smoothing with one discount for each length of the context
/// (Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling", 1998, section 2.7). What any language model has to beat.
/// </summary>
/// <remarks>Memory is bounded by <see cref="MostRuns"/>: at most some 400 MB. All documents are learnt before the first is measured.</remarks>
internal sealed class ByteModel
{
    /// <summary>The most bytes of a context.</summary>
    public const int MostOrder = 6;

    /// <summary>The most different runs of context and byte of each length; what comes for the first time beyond them is not learnt.</summary>
    public const int MostRuns = 12_000_000;

    private const int Bytes = 256;

    // counts[n]: of runs of n + 1 bytes. The longest are counted as often as they come, shorter ones as often as another byte comes before them.
    private readonly NgramTable<uint>[] counts;
    private (NgramTable<(uint Total, uint Types)>[] Contexts, double[] Discounts)? learnt;

    /// <summary>Begins a model that knows nothing.</summary>
    /// <param name="order">Bytes of a context, from 0 to <see cref="MostOrder"/>.</param>
    public ByteModel(int order)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(order);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(order, MostOrder);
        Order = order;
        counts = [.. Enumerable.Range(0, order + 1).Select(_ => new NgramTable<uint>(MostRuns))];
    }

    /// <summary>Bytes of a context.</summary>
    public int Order { get; }

    /// <summary>Learns a document.</summary>
    /// <param name="document">Its bytes, with the line break that ends it. What comes before its first byte counts as line breaks.</param>
    /// <exception cref="InvalidOperationException">Something was measured already.</exception>
    public void Learn(ReadOnlySpan<byte> document)
    {
        if (learnt is not null) throw new InvalidOperationException("All documents are learnt before the first is measured.");
        var run = Start;
        foreach (var next in document)
        {
            run = (run << 8) | next;
            for (var n = Order; n >= 0; n--)
            {
                ref var count = ref counts[n].Slot(run & Mask(n + 1), out var known);
                // A full table leaves out the run, and with it what it would say of shorter ones.
                if (Unsafe.IsNullRef(ref count)) break;
                count++;
                // One of the shorter runs comes behind another byte only when the longer one is new.
                if (known) break;
            }
        }
    }

    /// <summary>The bits that a document takes: minus the logarithm of its probability to the base 2.</summary>
    /// <param name="document">Its bytes, with the line break that ends it, as far as it is measured.</param>
    public double Bits(ReadOnlySpan<byte> document)
    {
        var (run, bits) = (Start, 0.0);
        foreach (var next in document)
        {
            bits -= Math.Log2(Probability(run, next));
            run = (run << 8) | next;
        }

        return bits;
    }

    /// <summary>The probability of a byte.</summary>
    /// <param name="context">The bytes before it, the last one lowest; at the beginning of a document line breaks.</param>
    /// <param name="next">The byte.</param>
    /// <returns>Above 0; over all 256 bytes it sums to 1.</returns>
    public double Probability(ulong context, byte next)
    {
        var (contexts, discounts) = learnt ??= Finish();
        var probability = 1.0 / Bytes;
        for (var n = 0; n <= Order; n++)
        {
            var before = context & Mask(n);
            var (total, types) = contexts[n].Of(before);
            if (total == 0) break;
            var count = counts[n].Of((before << 8) | next);
            probability = (Math.Max(count - discounts[n], 0) + (discounts[n] * types * probability)) / total;
        }

        return probability;
    }

    private static ulong Start => 0x0A0A_0A0A_0A0A_0A0A;

    private static ulong Mask(int bytes) => (1UL << (8 * bytes)) - 1;

    private (NgramTable<(uint Total, uint Types)>[] Contexts, double[] Discounts) Finish()
    {
        var contexts = new NgramTable<(uint Total, uint Types)>[Order + 1];
        var discounts = new double[Order + 1];
        for (var n = 0; n <= Order; n++)
        {
            var (once, twice) = (0L, 0L);
            contexts[n] = new NgramTable<(uint Total, uint Types)>(MostRuns);
            foreach (var (run, count) in counts[n].Entries)
            {
                ref var context = ref contexts[n].Slot(run >> 8, out _);
                context = (context.Total + count, context.Types + 1);
                once += count == 1 ? 1 : 0;
                twice += count == 2 ? 1 : 0;
            }

            // Text that comes twice as a whole has no run that comes once; something must be left for what never came.
            discounts[n] = once + twice == 0 ? 0.5 : Math.Clamp(once / (once + (2.0 * twice)), 0.05, 0.95);
        }

        return (contexts, discounts);
    }
}
