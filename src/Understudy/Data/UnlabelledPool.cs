namespace Understudy.Data;

/// <summary>Texts without labels for the teacher to annotate.</summary>
/// <param name="Examples">The rows, without labels.</param>
/// <param name="Repeated">How many rows were left out because an earlier row has the same text.</param>
/// <param name="Excluded">How many rows were left out because their text is among the excluded ones.</param>
public sealed record UnlabelledPool(IReadOnlyList<Example> Examples, int Repeated, int Excluded)
{
    /// <summary>Collects the rows whose text (and second text) is new: neither excluded nor repeated. Exact comparison.</summary>
    /// <param name="rows">Rows in the order of preference; labels are taken off.</param>
    /// <param name="exclude">Rows whose texts must not be in the pool: the seeds, and everything that is evaluated on.</param>
    /// <exception cref="InvalidDataException">Two rows of the pool have the same id.</exception>
    public static UnlabelledPool Build(IEnumerable<Example> rows, IEnumerable<Example> exclude)
    {
        var excluded = exclude.Select(Key).ToHashSet();
        var seen = new HashSet<(string, string?)>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var kept = new List<Example>();
        var (repeatedCount, excludedCount) = (0, 0);
        foreach (var row in rows)
        {
            if (excluded.Contains(Key(row)))
                excludedCount++;
            else if (!seen.Add(Key(row)))
                repeatedCount++;
            else if (!ids.Add(row.Id))
                throw new InvalidDataException($"id '{row.Id}' occurs twice in the unlabelled pool, in different files. Give the rows ids that are unique across files with 'columns.id', or rename a file.");
            else
                kept.Add(row.WithoutLabel());
        }
        return new UnlabelledPool(kept, repeatedCount, excludedCount);
    }

    private static (string, string?) Key(Example row) => (row.Text, row.TextPair);
}
