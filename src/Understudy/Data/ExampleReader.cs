namespace Understudy.Data;

/// <summary>Reads examples from a file of any supported format.</summary>
public static class ExampleReader
{
    /// <summary>The file's rows as labelled or unlabelled examples in file order, read as they are asked for.</summary>
    /// <param name="source">The file and how to read it; <see cref="DataSourceOptions.MaxRows"/> is not applied here.</param>
    /// <param name="labelled">Whether every row must have a label. When false the label columns are not read at all.</param>
    /// <param name="columns">The columns when the source names none of its own; by default <c>id</c>, <c>text</c>, <c>label</c>.</param>
    /// <param name="labels">The labels that rows may have. By default any.</param>
    /// <exception cref="ArgumentException">The options are at fault; the message lists everything wrong with them.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file or a row is at fault: the message names file, line and cure. Thrown when the enumeration gets there.</exception>
    public static IEnumerable<Example> Read(DataSourceOptions source, bool labelled, ColumnMap? columns = null, LabelSet? labels = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        var map = source.Columns ?? columns ?? new ColumnMap();
        var faults = source.Validate().Concat(map.Validate().Select(fault => fault.Under("columns"))).ToArray();
        if (faults.Length > 0)
            throw new ArgumentException(string.Join(Environment.NewLine, faults), nameof(source));
        return Rows(source, labelled, map, labels);
    }

    private static IEnumerable<Example> Rows(DataSourceOptions source, bool labelled, ColumnMap map, LabelSet? labels)
    {
        var path = source.Path;
        if (path == StandardInput.Path && source.Format == DataFormat.Auto && !labelled)
            return TextsOrObjects(path, source.MaxLineMb, new RowMapper(path, map, labelled, labels));
        var format = source.Format == DataFormat.Auto ? DataFile.FormatOf(path) : source.Format;
        if (format == DataFormat.Text)
        {
            if (labelled)
                throw new InvalidDataException($"{path}: plain text has no labels. Give labelled rows as JSON Lines, CSV or TSV, or list the file under 'unlabelled'.");
            return Texts(path, source.MaxLineMb);
        }
        return Mapped(path, RawRows(source, format), new RowMapper(path, map, labelled, labels));
    }

    /// <summary>The rows of a JSON Lines, CSV or TSV file with all their columns, read as they are asked for.</summary>
    internal static IEnumerable<RawRow> RawRows(DataSourceOptions source, DataFormat format) => format switch
    {
        DataFormat.Jsonl => JsonLines.Read(source.Path, source.MaxLineMb),
        DataFormat.Csv => DelimitedText.Read(source.Path, source.MaxLineMb, source.Delimiter?[0] ?? ',', quoting: true),
        _ => DelimitedText.Read(source.Path, source.MaxLineMb, source.Delimiter?[0] ?? '\t', quoting: false),
    };

    private static IEnumerable<Example> Texts(string path, int maxLineMb)
    {
        var name = Path.GetFileName(path);
        foreach (var (number, text) in TextLines.ReadNumbered(path, maxLineMb))
            yield return new Example { Id = $"{name}:{number}", Text = text };
    }

    // Without a name to go by, the first line tells. A stream may go on for ever: its ids are not remembered, and it may hold nothing.
    private static IEnumerable<Example> TextsOrObjects(string path, int maxLineMb, RowMapper mapper)
    {
        using var lines = new LineReader(path, maxLineMb);
        bool? objects = null;
        while (lines.MoveNext())
        {
            if (JsonLines.IsBlank(lines))
                continue;
            objects ??= lines.Current.Span.TrimStart(" \t"u8).StartsWith("{"u8);
            yield return objects.Value
                ? mapper.Map(JsonLines.Parse(lines))
                : new Example { Id = $"{Path.GetFileName(path)}:{lines.LineNumber}", Text = lines.CurrentText() };
        }
    }

    private static IEnumerable<Example> Mapped(string path, IEnumerable<RawRow> rows, RowMapper mapper)
    {
        var lines = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var row in rows)
        {
            var example = mapper.Map(row);
            if (!lines.TryAdd(example.Id, row.Line))
                throw new InvalidDataException($"{path}({row.Line}): id '{example.Id}' was used on line {lines[example.Id]} already. Make the ids unique, or map another column with 'columns.id'.");
            yield return example;
        }
        if (lines.Count == 0)
            throw new InvalidDataException($"{path}: the file has no rows; expected at least one.");
    }
}
