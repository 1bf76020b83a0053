namespace Understudy.Data;

/// <summary>All the data of a run, read and checked.</summary>
public sealed record DataSets
{
    /// <summary>The labels in class order.</summary>
    public required LabelSet Labels { get; init; }

    /// <summary>The labelled rows to learn from: the seeds after few-shot sampling, else the whole train part.</summary>
    public required IReadOnlyList<Example> Train { get; init; }

    /// <summary>The rows for choosing between checkpoints; may be empty.</summary>
    public required IReadOnlyList<Example> Validation { get; init; }

    /// <summary>The rows for the final figures; may be empty.</summary>
    public required IReadOnlyList<Example> Test { get; init; }

    /// <summary>The unlabelled pool; may be empty.</summary>
    public required IReadOnlyList<Example> Unlabelled { get; init; }

    /// <summary>The true label of pool rows that came from the train file, by id: to report how well the teacher annotates, never to train on.</summary>
    public required IReadOnlyDictionary<string, string> HiddenLabels { get; init; }

    /// <summary>What a person should know about the data: labels with too few rows, texts left out of the pool.</summary>
    public required IReadOnlyList<string> Notices { get; init; }

    /// <summary>Reads all sources, samples the seeds, makes the splits and collects the pool. Equal options and seed give equal rows in equal order.</summary>
    /// <param name="options">The data section.</param>
    /// <param name="seed">The run's seed.</param>
    /// <exception cref="ArgumentException">The options are at fault; the message lists everything wrong with them.</exception>
    /// <exception cref="FileNotFoundException">A file does not exist.</exception>
    /// <exception cref="InvalidDataException">A file or a row is at fault: the message names file, line and cure.</exception>
    public static DataSets Load(DataOptions options, long seed)
    {
        if (options.Validate().ToArray() is { Length: > 0 } faults)
            throw new ArgumentException(string.Join(Environment.NewLine, faults), nameof(options));
        var given = options.Labels.Count > 0 ? new LabelSet(options.Labels) : null;
        IReadOnlyList<Example> train = Read(options.Train, options, given, labelled: true, seed);
        var labels = given ?? LabelSet.Infer(train);
        IReadOnlyList<Example> validation = options.Validation is { } first ? Read(first, options, labels, labelled: true, seed) : [];
        IReadOnlyList<Example> test = options.Test is { } last ? Read(last, options, labels, labelled: true, seed) : [];
        if (options.Split is { } split)
        {
            var parts = Splits.Split(train, labels, split, seed);
            train = parts.Train;
            validation = split.Validation > 0 ? parts.Validation : validation;
            test = split.Test > 0 ? parts.Test : test;
        }
        var sample = options.FewShot is { } few ? FewShot.Sample(train, labels, few, seed) : new FewShotResult(train, [], []);
        var fromTrain = options.UnlabelledFromTrain ? sample.Rest : [];
        var texts = options.Unlabelled.SelectMany(source => Read(source, options, labels, labelled: false, seed));
        var pool = UnlabelledPool.Build(fromTrain.Concat(texts), sample.Seeds.Concat(validation).Concat(test));
        return new DataSets
        {
            Labels = labels,
            Train = sample.Seeds,
            Validation = validation,
            Test = test,
            Unlabelled = pool.Examples,
            HiddenLabels = Hidden(fromTrain, pool),
            Notices = [.. sample.Notices, .. PoolNotices(pool), .. LeakNotices(sample.Seeds, "test", test), .. LeakNotices(sample.Seeds, "validation", validation)],
        };
    }

    private static Example[] Read(DataSourceOptions source, DataOptions options, LabelSet? labels, bool labelled, long seed)
    {
        var rows = ExampleReader.Read(source, labelled, options.Columns, labels).ToArray();
        if (source.MaxRows is not { } most || most >= rows.Length)
            return rows;
        var order = new SeededRandom(seed).Fork("max-rows").Permutation(rows.Length);
        return [.. order.Take(most).Order().Select(row => rows[row])];
    }

    private static Dictionary<string, string> Hidden(IReadOnlyList<Example> fromTrain, UnlabelledPool pool)
    {
        var inPool = pool.Examples.Select(row => row.Id).ToHashSet(StringComparer.Ordinal);
        return fromTrain.Where(row => inPool.Contains(row.Id)).ToDictionary(row => row.Id, row => row.Label!, StringComparer.Ordinal);
    }

    // The seeds are the user's own, so nothing is taken out; but figures on texts that were learnt by heart are no figures.
    private static IEnumerable<string> LeakNotices(IReadOnlyList<Example> seeds, string kind, IReadOnlyList<Example> heldOut)
    {
        var learnt = seeds.Select(row => (row.Text, row.TextPair)).ToHashSet();
        if (heldOut.Count(row => learnt.Contains((row.Text, row.TextPair))) is > 0 and var leaked)
            yield return $"{leaked:N0} of {heldOut.Count:N0} {kind} row(s) have the same text as a seed, so the figures on them are better than on new texts. Remove these rows from one of the files.";
    }

    private static IEnumerable<string> PoolNotices(UnlabelledPool pool)
    {
        if (pool.Excluded > 0)
            yield return $"{pool.Excluded} unlabelled row(s) were left out because a seed, validation or test row has the same text.";
        if (pool.Repeated > 0)
            yield return $"{pool.Repeated} unlabelled row(s) were left out because an earlier one has the same text.";
    }
}
