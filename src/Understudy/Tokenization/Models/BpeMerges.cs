namespace Understudy.Tokenization.Models;

/// <summary>The merge rules of a byte-pair encoding and their application to a word.</summary>
internal sealed class BpeMerges
{
    private readonly Dictionary<long, int> ranks;
    private readonly int[] results;

    /// <param name="merges">Pairs of ids and the id of their union, best first; a pair that comes twice counts as its last mention.</param>
    public BpeMerges(IReadOnlyList<(int Left, int Right, int Result)> merges)
    {
        ranks = new Dictionary<long, int>(merges.Count);
        results = new int[merges.Count];
        for (var rank = 0; rank < merges.Count; rank++)
        {
            ranks[Key(merges[rank].Left, merges[rank].Right)] = rank;
            results[rank] = merges[rank].Result;
        }
    }

    /// <summary>
    /// Applies the best merge, the leftmost of equals, until none applies. Time grows with n log n: every pair
    /// waits in a heap, and merged symbols stay linked.
    /// </summary>
    /// <param name="ids">Symbols; overwritten by what is left of them.</param>
    /// <param name="lengths">The length of each symbol, not 0; overwritten likewise.</param>
    /// <returns>How many symbols are left.</returns>
    public int Apply(Span<int> ids, Span<int> lengths)
    {
        var count = ids.Length;
        if (count < 2) return count;
        var previous = new int[count];
        var next = new int[count];
        var heap = new MergeHeap(count);
        for (var i = 0; i < count; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1;
        }
        for (var i = 0; i + 1 < count; i++) Enqueue(ids[i], ids[i + 1], i);

        while (heap.TryPop(out var rank, out var position))
        {
            var right = next[position];
            if (lengths[position] == 0 || right >= count) continue;
            // An entry outlives the pair it was made for; it counts only if the present pair gives the same token.
            if (!ranks.TryGetValue(Key(ids[position], ids[right]), out var current) || results[current] != results[rank]) continue;
            ids[position] = results[rank];
            lengths[position] += lengths[right];
            lengths[right] = 0;
            next[position] = next[right];
            if (next[right] < count) previous[next[right]] = position;
            if (previous[position] >= 0) Enqueue(ids[previous[position]], ids[position], previous[position]);
            if (next[position] < count) Enqueue(ids[position], ids[next[position]], position);
        }

        var kept = 0;
        for (var i = 0; i < count; i = next[i])
        {
            ids[kept] = ids[i];
            lengths[kept++] = lengths[i];
        }
        return kept;

        void Enqueue(int left, int right, int position)
        {
            if (ranks.TryGetValue(Key(left, right), out var rank)) heap.Push(rank, position);
        }
    }

    /// <summary>The merges in order of rank, superseded ones left out.</summary>
    public IEnumerable<(int Left, int Right)> InOrder() =>
        ranks.OrderBy(entry => entry.Value).Select(entry => ((int)(entry.Key >> 32), (int)entry.Key));

    private static long Key(int left, int right) => (long)left << 32 | (uint)right;
}
