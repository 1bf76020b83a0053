namespace Understudy.Generation;

/// <summary>
/// Finds the tokens with the smallest keys whose weights reach a share of the whole, without sorting the vocabulary: weights are added up in
/// buckets of equal key width, and only the bucket in which the sum is reached is sorted.
/// </summary>
internal static class MassSelection
{
    // 1/64 of a nat wide: the last bucket takes everything beyond 32 nats, which holds next to no probability.
    private const float BucketsPerUnit = 64;

    /// <summary>Which tokens stay.</summary>
    /// <param name="Key">The largest key that stays.</param>
    /// <param name="TieFrom">Among the tokens with exactly that key, the lowest id that stays when the highest ids are taken first.</param>
    internal readonly record struct Threshold(float Key, int TieFrom);

    /// <summary>The fewest tokens, in the order of their keys, whose weights reach <paramref name="mass"/>.</summary>
    /// <param name="keys">At least 0, smaller is taken earlier; infinity for forbidden tokens.</param>
    /// <param name="weights">At least 0; tokens of equal keys have equal weights when ties matter.</param>
    /// <param name="mass">The sum to reach.</param>
    /// <param name="scratch">Buffers.</param>
    public static Threshold Find(ReadOnlySpan<float> keys, ReadOnlySpan<float> weights, double mass, SamplingScratch scratch)
    {
        var buckets = scratch.Buckets;
        Array.Clear(buckets);
        for (var i = 0; i < keys.Length; i++)
        {
            if (weights[i] > 0) buckets[BucketOf(keys[i])] += weights[i];
        }

        var before = 0.0;
        var crossing = 0;
        while (crossing < buckets.Length && before + buckets[crossing] < mass) before += buckets[crossing++];
        if (crossing == buckets.Length) return new Threshold(float.PositiveInfinity, 0);

        var candidates = scratch.Candidates(keys.Length);
        var candidateKeys = scratch.CandidateKeys(keys.Length);
        var count = 0;
        for (var i = 0; i < keys.Length; i++)
        {
            if (weights[i] <= 0 || BucketOf(keys[i]) != crossing) continue;
            candidateKeys[count] = keys[i];
            candidates[count++] = i;
        }

        candidateKeys = candidateKeys[..count];
        candidates = candidates[..count];
        candidateKeys.Sort(candidates);
        var last = 0;
        for (; last < count - 1; last++)
        {
            before += weights[candidates[last]];
            if (before >= mass) break;
        }

        return new Threshold(candidateKeys[last], TieFrom(candidateKeys, candidates, last));
    }

    private static int BucketOf(float key) => (int)Math.Min(key * BucketsPerUnit, SamplingScratch.BucketCount - 1);

    private static int TieFrom(ReadOnlySpan<float> keys, Span<int> ids, int last)
    {
        var (from, to) = (last, last + 1);
        while (from > 0 && keys[from - 1] == keys[last]) from--;
        while (to < keys.Length && keys[to] == keys[last]) to++;
        // Sorting by key leaves tokens of equal keys in no particular order.
        var ties = ids[from..to];
        ties.Sort();
        return ties[^(last - from + 1)];
    }
}
