using System.Numerics;

namespace Understudy.Generation;

/// <summary>Keeps the k most probable tokens, and those as probable as the k-th.</summary>
public sealed class TopKLogitsWarper : ILogitsProcessor
{
    // A heap of k values beats sorting as long as few of the values enter it.
    private const int HeapShare = 16;

    private readonly int k;

    /// <summary>A processor that keeps <paramref name="k"/> tokens, at least 1; more than the vocabulary keeps all.</summary>
    public TopKLogitsWarper(int k)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        this.k = k;
    }

    /// <summary>Tokens that stay.</summary>
    internal int K => k;

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
    {
        if (k >= logits.Length) return;
        var threshold = KthLargest(logits, scratch);
        foreach (ref var logit in logits)
        {
            if (logit < threshold) logit = float.NegativeInfinity;
        }
    }

    private float KthLargest(ReadOnlySpan<float> logits, SamplingScratch scratch)
    {
        if (k <= logits.Length / HeapShare) return SmallestOfHeap(logits, scratch.Keys(k));
        var sorted = scratch.Keys(logits.Length);
        logits.CopyTo(sorted);
        sorted.Sort();
        return sorted[^k];
    }

    private static float SmallestOfHeap(ReadOnlySpan<float> logits, Span<float> heap)
    {
        var k = heap.Length;
        logits[..k].CopyTo(heap);
        for (var i = (k / 2) - 1; i >= 0; i--) SiftDown(heap, i);

        var at = k;
        while (at < logits.Length)
        {
            // Nearly all of a vocabulary lies below the threshold: whole vectors of it are passed over.
            if (at + Vector<float>.Count <= logits.Length && !Vector.GreaterThanAny(new Vector<float>(logits[at..]), new Vector<float>(heap[0])))
            {
                at += Vector<float>.Count;
                continue;
            }

            for (var end = Math.Min(at + Vector<float>.Count, logits.Length); at < end; at++)
            {
                if (!(logits[at] > heap[0])) continue;
                heap[0] = logits[at];
                SiftDown(heap, 0);
            }
        }

        return heap[0];
    }

    private static void SiftDown(Span<float> heap, int parent)
    {
        var value = heap[parent];
        for (var child = (2 * parent) + 1; child < heap.Length; child = (2 * parent) + 1)
        {
            if (child + 1 < heap.Length && heap[child + 1] < heap[child]) child++;
            if (value <= heap[child]) break;
            heap[parent] = heap[child];
            parent = child;
        }

        heap[parent] = value;
    }
}
