namespace Understudy.Data;

/// <summary>Reads plain text line by line, for corpora too large to hold.</summary>
public static class TextLines
{
    /// <summary>
    /// The lines of a UTF-8 text file that are not blank, in file order, read as they are asked for. Gzip is unpacked, a
    /// byte-order mark and CR LF are accepted.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="maxLineMb">The longest permitted line in MiB, from 1 to 1024.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A line is not UTF-8, too long or holds a NUL character, the gzip data is damaged, or the file has no text. Thrown when the enumeration gets there.</exception>
    public static IEnumerable<string> Read(string path, int maxLineMb = 16)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLineMb, DataSourceOptions.LeastMaxLineMb);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxLineMb, DataSourceOptions.MostMaxLineMb);
        return ReadNumbered(path, maxLineMb).Select(line => line.Text);
    }

    /// <summary>The same lines with their numbers, from 1; blank lines count.</summary>
    internal static IEnumerable<(long Number, string Text)> ReadNumbered(string path, int maxLineMb)
    {
        using var lines = new LineReader(path, maxLineMb);
        var any = false;
        while (lines.MoveNext())
        {
            var text = lines.CurrentText();
            if (string.IsNullOrWhiteSpace(text))
                continue;
            any = true;
            yield return (lines.LineNumber, text);
        }
        if (!any)
            throw new InvalidDataException($"{path}: the file has no rows; expected at least one line of text.");
    }
}
