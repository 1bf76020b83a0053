namespace Understudy.Tokenization.Training;

/// <summary>A pair of symbols, the words that hold it, and how often it was counted when it was queued.</summary>
internal sealed record PairCandidate(int Left, int Right, HashSet<int> Words);

/// <summary>Candidates in the order of merging: the most frequent first, of equals the one with the smaller ids.</summary>
internal sealed class PairQueue
{
    private readonly PriorityQueue<PairCandidate, (long Count, int Left, int Right, long Serial)> queue = new(Order.Instance);
    private long serial;

    public void Enqueue(PairCandidate candidate, long count) =>
        queue.Enqueue(candidate, (count, candidate.Left, candidate.Right, serial++));

    public bool TryDequeue(out PairCandidate candidate, out long count)
    {
        var found = queue.TryDequeue(out var next, out var priority);
        candidate = next!;
        count = priority.Count;
        return found;
    }

    private sealed class Order : IComparer<(long Count, int Left, int Right, long Serial)>
    {
        public static readonly Order Instance = new();

        public int Compare((long Count, int Left, int Right, long Serial) x, (long Count, int Left, int Right, long Serial) y)
        {
            if (x.Count != y.Count) return y.Count.CompareTo(x.Count);
            return (x.Left, x.Right, x.Serial).CompareTo((y.Left, y.Right, y.Serial));
        }
    }
}
