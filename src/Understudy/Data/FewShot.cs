namespace Understudy.Data;

/// <summary>What few-shot sampling chose and what it left.</summary>
/// <param name="Seeds">The chosen rows, in the order of the input.</param>
/// <param name="Rest">All other rows, in the order of the input, labels included.</param>
/// <param name="Notices">One sentence for each way in which the choice falls short of what was asked.</param>
public sealed record FewShotResult(IReadOnlyList<Example> Seeds, IReadOnlyList<Example> Rest, IReadOnlyList<string> Notices);

/// <summary>Chooses a few labelled rows, stratified by label.</summary>
public static class FewShot
{
    /// <summary>
    /// Chooses rows at random within each label. With one seed, a larger choice contains the smaller ones, and a label's
    /// rows do not depend on the other labels.
    /// </summary>
    /// <param name="examples">Labelled rows.</param>
    /// <param name="labels">Their label set.</param>
    /// <param name="options">How many.</param>
    /// <param name="seed">The seed of the choice, unless the options name one.</param>
    /// <exception cref="ArgumentException">The options are at fault, or a row has no label or one that is not in the set.</exception>
    public static FewShotResult Sample(IReadOnlyList<Example> examples, LabelSet labels, FewShotOptions options, long seed)
    {
        if (options.Validate().ToArray() is { Length: > 0 } faults)
            throw new ArgumentException(string.Join(Environment.NewLine, faults), nameof(options));
        var rows = Strata.Shuffled(examples, labels, new SeededRandom(options.Seed ?? seed).Fork("few-shot"));
        var sizes = rows.Select(stratum => stratum.Length).ToArray();
        var counts = options.PerLabel is { } k
            ? sizes.Select(size => Math.Min(size, k)).ToArray()
            : Apportionment.Share(options.Total!.Value, sizes, atLeast: 1);

        var chosen = new bool[examples.Count];
        for (var label = 0; label < labels.Count; label++)
        {
            foreach (var row in rows[label].AsSpan(0, counts[label]))
                chosen[row] = true;
        }
        return new FewShotResult(
            [.. examples.Where((_, row) => chosen[row])],
            [.. examples.Where((_, row) => !chosen[row])],
            [.. Notices(options, labels, sizes, counts)]);
    }

    private static IEnumerable<string> Notices(FewShotOptions options, LabelSet labels, int[] sizes, int[] counts)
    {
        if (options.PerLabel is { } k)
        {
            for (var label = 0; label < labels.Count; label++)
            {
                if (sizes[label] < k)
                    yield return $"label '{labels[label]}' has {sizes[label]} row(s), fewer than the {k} asked for with 'per_label': all of them are used.";
            }
            yield break;
        }
        if (counts.Sum() < options.Total)
            yield return $"there are {counts.Sum()} rows, fewer than the {options.Total} asked for with 'total': all of them are used.";
        var without = labels.Where((_, label) => counts[label] == 0).ToArray();
        if (without.Length > 0)
            yield return $"{without.Length} of {labels.Count} labels have no seed: {string.Join(", ", without.Take(20))}{(without.Length > 20 ? ", ..." : "")}.";
    }
}
