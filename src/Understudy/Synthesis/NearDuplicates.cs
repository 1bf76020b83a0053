using Understudy.Data;

namespace Understudy.Synthesis;

/// <summary>Finds rows whose word 3-grams are nearly the same as those of an earlier row, without comparing each with each. Not thread-safe.</summary>
/// <remarks>
/// MinHash (Broder, "On the resemblance and containment of documents", 1997) with locality-sensitive banding (Leskovec, Rajaraman and Ullman,
/// "Mining of Massive Datasets", section 3.4) proposes candidates; their Jaccard similarity is then computed exactly, so that nothing is called a
/// duplicate by chance. A pair at the threshold is missed with a probability of at most 1 in 1,000 (from a threshold of 0.06 on), a more similar one
/// more rarely.
/// </remarks>
public sealed class NearDuplicates
{
    private const int Hashes = 128, Shingle = 3;
    private const double MissedAtMost = 1e-3;

    private readonly double threshold;
    private readonly int rowsPerBand;
    private readonly ulong[] multipliers, offsets;
    private readonly Dictionary<(int Band, ulong Key), List<int>> bands = [];
    private readonly List<(string Name, HashSet<ulong> Shingles)> known = [];

    /// <summary>An empty collection.</summary>
    /// <param name="threshold">The Jaccard similarity from which two rows are near duplicates, above 0 and at most 1.</param>
    public NearDuplicates(double threshold)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threshold);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threshold, 1);
        this.threshold = threshold;
        // The longer a band, the fewer candidates; the longest that still finds what must be found.
        rowsPerBand = Enumerable.Range(1, Hashes).Last(rows => rows == 1 || Math.Pow(1 - Math.Pow(threshold, rows), Hashes / rows) <= MissedAtMost);
        var random = new SeededRandom(1).Fork("minhash");
        multipliers = [.. Enumerable.Range(0, Hashes).Select(_ => random.NextUInt64() | 1)];
        offsets = [.. Enumerable.Range(0, Hashes).Select(_ => random.NextUInt64())];
    }

    /// <summary>Rows added.</summary>
    public int Count => known.Count;

    /// <summary>The most similar earlier row, where one is as similar as the threshold.</summary>
    /// <returns>What it was called, and the Jaccard similarity; null when there is none.</returns>
    public (string Name, double Similarity)? Find(Example row)
    {
        var shingles = Shingles(row);
        (string Name, double Similarity)? best = null;
        foreach (var candidate in Keys(shingles).SelectMany(key => bands.GetValueOrDefault(key) ?? []).Distinct().Order())
        {
            var similarity = Jaccard(shingles, known[candidate].Shingles);
            if (similarity >= threshold && !(similarity <= best?.Similarity))
            {
                best = (known[candidate].Name, similarity);
            }
        }

        return best;
    }

    /// <summary>Adds a row that later ones are compared with.</summary>
    /// <param name="row">The row.</param>
    /// <param name="name">What <see cref="Find"/> calls it.</param>
    public void Add(Example row, string name)
    {
        var shingles = Shingles(row);
        foreach (var key in Keys(shingles))
        {
            if (!bands.TryGetValue(key, out var members))
            {
                bands[key] = members = [];
            }

            members.Add(known.Count);
        }

        known.Add((name, shingles));
    }

    private IEnumerable<(int Band, ulong Key)> Keys(HashSet<ulong> shingles)
    {
        for (var band = 0; band < Hashes / rowsPerBand; band++)
        {
            var key = 0UL;
            for (var i = band * rowsPerBand; i < (band + 1) * rowsPerBand; i++)
            {
                var least = ulong.MaxValue;
                foreach (var shingle in shingles)
                {
                    // Multiply-shift with the high half folded in: the low bits of a product alone depend on the low bits only.
                    var product = (shingle + offsets[i]) * multipliers[i];
                    least = Math.Min(least, product ^ (product >> 32));
                }

                key = ((key ^ least) * 0xff51afd7ed558ccd) + (ulong)i;
            }

            yield return (band, key);
        }
    }

    private static double Jaccard(HashSet<ulong> first, HashSet<ulong> second)
    {
        var shared = first.Count(second.Contains);
        return (double)shared / (first.Count + second.Count - shared);
    }

    // A text of fewer words than a shingle is one shingle as a whole. The texts of a pair do not mix.
    private static HashSet<ulong> Shingles(Example row)
    {
        var set = Of(row.Text);
        if (row.TextPair is { } pair)
        {
            set.UnionWith(Of(pair).Select(shingle => ~shingle));
        }

        return set;
    }

    private static HashSet<ulong> Of(string text)
    {
        var words = WordSequence.Of(text);
        return words.Count < Shingle ? [words.Whole()] : [.. words.Ngrams(Shingle)];
    }
}
