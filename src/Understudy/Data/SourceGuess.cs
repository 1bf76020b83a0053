namespace Understudy.Data;

/// <summary>Works out how a file that nobody has described is written.</summary>
internal static class SourceGuess
{
    private const int MaxLineMb = 16;
    private static readonly char[] Delimiters = [',', '\t', ';', '|'];

    /// <summary>The file with its format (left to the name where that says it) and its delimiter (null for the usual one).</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file has no rows, is a folder, or its first line is not text.</exception>
    public static DataSourceOptions Of(string path)
    {
        var (first, second) = FirstLines(path);
        var named = DataFile.KnownFormat(path);
        var format = named ?? FormatOf(first);
        var source = new DataSourceOptions { Path = path, Format = named is null ? format : DataFormat.Auto };
        if (format is not (DataFormat.Csv or DataFormat.Tsv))
            return source;
        var usual = format == DataFormat.Csv ? ',' : '\t';
        var delimiter = Delimiters.OrderByDescending(one => Count(first, one)).ThenByDescending(one => one == usual).First();
        if (Count(first, delimiter) == 0)
            delimiter = usual;
        // The reader of TSV takes a quote for a character like any other.
        return format == DataFormat.Tsv && $"{first}{delimiter}{second}".Split(delimiter).Any(cell => cell is ['"', .., '"'])
            ? source with { Format = DataFormat.Csv, Delimiter = $"{delimiter}" }
            : delimiter == usual ? source : source with { Delimiter = $"{delimiter}" };
    }

    private static DataFormat FormatOf(string first) =>
        first.TrimStart().StartsWith('{') ? DataFormat.Jsonl
        : first.Contains('\t') ? DataFormat.Tsv
        : first.IndexOfAny([',', ';', '|']) >= 0 ? DataFormat.Csv
        : DataFormat.Text;

    private static (string First, string Second) FirstLines(string path)
    {
        using var lines = new LineReader(path, MaxLineMb);
        var found = new List<string>();
        while (found.Count < 2 && lines.MoveNext())
        {
            if (lines.CurrentText() is var text && !string.IsNullOrWhiteSpace(text))
                found.Add(text);
        }
        return found.Count == 0
            ? throw new InvalidDataException($"{path}: the file has no rows; expected at least one.")
            : (found[0], found.Count > 1 ? found[1] : "");
    }

    // Delimiters outside quotation marks.
    private static int Count(string line, char delimiter)
    {
        var (count, quoted) = (0, false);
        foreach (var c in line)
        {
            quoted ^= c == '"';
            count += c == delimiter && !quoted ? 1 : 0;
        }
        return count;
    }
}
