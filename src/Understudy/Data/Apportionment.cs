namespace Understudy.Data;

/// <summary>Shares out a whole number of rows among labels.</summary>
internal static class Apportionment
{
    /// <summary>
    /// Shares <paramref name="total"/> out in proportion to <paramref name="sizes"/> by largest remainders, no share above
    /// its size; ties go to the earlier label.
    /// </summary>
    /// <param name="total">How many to share out; more than there are means all.</param>
    /// <param name="sizes">How many rows each label has.</param>
    /// <param name="atLeast">The least share of a label that has that many rows (0 or 1); the largest labels come first when the total is too small for all.</param>
    public static int[] Share(int total, IReadOnlyList<int> sizes, int atLeast)
    {
        var shares = new int[sizes.Count];
        var left = (int)Math.Min(total, sizes.Sum(size => (long)size));
        foreach (var label in Enumerable.Range(0, sizes.Count).OrderByDescending(label => sizes[label]))
        {
            if (left >= atLeast && sizes[label] >= atLeast)
            {
                shares[label] = atLeast;
                left -= atLeast;
            }
        }
        // What is left goes one by one to the label that is furthest below its exact quota.
        var rows = sizes.Sum(size => (double)size);
        var given = shares.Sum() + left;
        var queue = new PriorityQueue<int, (double, int)>();
        for (var label = 0; label < shares.Length; label++)
            queue.Enqueue(label, (shares[label] - given * (sizes[label] / rows), label));
        while (left > 0)
        {
            var label = queue.Dequeue();
            if (shares[label] >= sizes[label])
                continue;
            shares[label]++;
            left--;
            queue.Enqueue(label, (shares[label] - given * (sizes[label] / rows), label));
        }
        return shares;
    }
}
