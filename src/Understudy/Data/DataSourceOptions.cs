namespace Understudy.Data;

/// <summary>A file of rows and how to read it.</summary>
public sealed record DataSourceOptions
{
    /// <summary>The smallest and the largest permitted <see cref="MaxLineMb"/>.</summary>
    internal const int LeastMaxLineMb = 1, MostMaxLineMb = 1024;

    /// <summary>The file. A relative path counts from the run file's folder, from C# from the current directory.</summary>
    [InputPath]
    public required string Path { get; init; }

    /// <summary>How its rows are written.</summary>
    /// <value>The default value is <see cref="DataFormat.Auto"/>: by the file's name.</value>
    public DataFormat Format { get; init; } = DataFormat.Auto;

    /// <summary>Which column holds what.</summary>
    /// <value>By default the columns of the whole data section.</value>
    public ColumnMap? Columns { get; init; }

    /// <summary>The character between the fields of a CSV or TSV file.</summary>
    /// <value>By default a comma for CSV and a tab for TSV; TSV with quoting is <c>csv</c> with a tab here.</value>
    public string? Delimiter { get; init; }

    /// <summary>Read at most this many rows, chosen at random with the run's seed and kept in file order.</summary>
    /// <value>By default all rows. At least 1.</value>
    public int? MaxRows { get; init; }

    /// <summary>The longest permitted line (or quoted CSV record) in MiB; a longer one stops the run.</summary>
    /// <value>The default value is 16. From 1 to 1024.</value>
    public int MaxLineMb { get; init; } = 16;

    /// <summary>Everything wrong with the options; whether the file exists is found when it is read.</summary>
    public IEnumerable<OptionFault> Validate()
    {
        if (string.IsNullOrWhiteSpace(Path))
            yield return new("path", "expected the path of a data file, found an empty string.");
        if (Delimiter is not null && (Delimiter.Length != 1 || Delimiter[0] is '"' or '\n' or '\r'))
            yield return new("delimiter", $"expected one character other than a quote or a line break, found '{Delimiter}'.");
        if (MaxRows < 1)
            yield return new("max_rows", $"expected at least 1, found {MaxRows}.");
        if (MaxLineMb is < LeastMaxLineMb or > MostMaxLineMb)
            yield return new("max_line_mb", $"expected a number from {LeastMaxLineMb} to {MostMaxLineMb}, found {MaxLineMb}.");
        if (!Enum.IsDefined(Format))
            yield return new("format", $"expected one of auto, jsonl, csv, tsv, text, found {(int)Format}.");
        foreach (var fault in Columns?.Validate() ?? [])
            yield return fault.Under("columns");
    }
}
