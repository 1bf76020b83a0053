namespace Understudy.Data;

/// <summary>What the values of one column of a file look like.</summary>
internal sealed class ColumnProfile(string name)
{
    private readonly Dictionary<string, int> counts = new(StringComparer.Ordinal);
    private readonly List<int> words = [];
    private long characters;
    private int withLetters;

    public string Name { get; } = name;

    /// <summary>Values that are there and not blank.</summary>
    public int Values { get; private set; }

    /// <summary>How often each value occurs, lists and objects aside.</summary>
    public IReadOnlyDictionary<string, int> Counts => counts;

    /// <summary>The line of the first row without a value; null when every row that names the column has one.</summary>
    public long? FirstBlank { get; private set; }

    /// <summary>Whether every value is a text; those of CSV and TSV always are.</summary>
    public bool AllText { get; private set; } = true;

    /// <summary>Whether every value can be a label or an id: a text, a whole number, true or false.</summary>
    public bool AllNames { get; private set; } = true;

    /// <summary>Whether a value has a line break within it.</summary>
    public bool HasLineBreaks { get; private set; }

    /// <summary>Whether most values hold letters.</summary>
    public bool HasLetters => 2 * withLetters > Values;

    public double MeanCharacters => Values == 0 ? 0 : characters / (double)Values;

    /// <summary>All words together, of a text without spaces as many as one of its length would have.</summary>
    public long Words => words.Sum(count => (long)count);

    /// <summary>The number of words that the share <paramref name="quantile"/> of the values does not exceed.</summary>
    public int WordsAt(double quantile)
    {
        if (words.Count == 0)
            return 0;
        words.Sort();
        return words[(int)(quantile * (words.Count - 1))];
    }

    public void Add(RawValue value, long line)
    {
        if (value.Kind == RawKind.Null || string.IsNullOrWhiteSpace(value.Text))
        {
            FirstBlank ??= line;
            return;
        }
        Values++;
        AllText &= value.Kind == RawKind.String;
        AllNames &= value.Kind is RawKind.String or RawKind.Integer or RawKind.Boolean;
        if (value.Kind is RawKind.List or RawKind.Object)
            return;
        counts[value.Text] = counts.GetValueOrDefault(value.Text) + 1;
        characters += value.Text.Length;
        words.Add(WordsIn(value.Text));
        withLetters += value.Text.Any(char.IsLetter) ? 1 : 0;
        HasLineBreaks |= value.Text.Contains('\n', StringComparison.Ordinal);
    }

    // Chinese and Japanese put no spaces between words; where there are, a word seldom takes more than twelve bytes of UTF-8.
    private static int WordsIn(string text)
    {
        var (count, inside) = (0, false);
        foreach (var c in text)
        {
            count += !char.IsWhiteSpace(c) && !inside ? 1 : 0;
            inside = !char.IsWhiteSpace(c);
        }
        return Math.Max(count, System.Text.Encoding.UTF8.GetByteCount(text) / 12);
    }
}

/// <summary>A file's columns and what is in them.</summary>
/// <param name="Source">The file and how it is read.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">Its columns in the order in which they first occur.</param>
internal sealed record TableProfile(DataSourceOptions Source, int Rows, IReadOnlyList<ColumnProfile> Columns)
{
    public ColumnProfile? this[string name] => Columns.FirstOrDefault(column => column.Name == name);

    /// <summary>Reads a whole file. Plain text has the one column <c>text</c>.</summary>
    /// <exception cref="InvalidDataException">A row cannot be read; the message names file, line and cure.</exception>
    public static TableProfile Read(DataSourceOptions source)
    {
        var columns = new OrderedDictionary<string, ColumnProfile>(StringComparer.Ordinal);
        var rows = 0;
        foreach (var row in Rows(source))
        {
            rows++;
            for (var i = 0; i < row.Columns.Count; i++)
            {
                if (!columns.TryGetValue(row.Columns[i], out var column))
                    columns.Add(row.Columns[i], column = new ColumnProfile(row.Columns[i]));
                column.Add(row.Values[i], row.Line);
            }
        }
        return rows > 0
            ? new TableProfile(source, rows, [.. columns.Values])
            : throw new InvalidDataException($"{source.Path}: the file has no rows; expected at least one.");

        static IEnumerable<RawRow> Rows(DataSourceOptions source)
        {
            var format = source.Format == DataFormat.Auto ? DataFile.FormatOf(source.Path) : source.Format;
            return format == DataFormat.Text
                ? TextLines.ReadNumbered(source.Path, source.MaxLineMb).Select(line => new RawRow(line.Number, ["text"], [new RawValue(RawKind.String, line.Text)]))
                : ExampleReader.RawRows(source, format);
        }
    }
}
