namespace Understudy.Runs;

/// <summary>A file of rows that is written as a whole, one JSON object a line, so that a reader never sees a part of it.</summary>
internal static class JsonRows
{
    /// <summary>Puts these rows in place of the file's content.</summary>
    /// <exception cref="IOException">The disk refuses; the old content is untouched.</exception>
    public static void Write<TRow>(string path, IEnumerable<TRow> rows) => Storage.Replace(path, stream =>
    {
        using var writer = new StreamWriter(stream, leaveOpen: true);
        foreach (var row in rows)
        {
            writer.Write(RunJson.Line(row));
            writer.Write('\n');
        }
    });

    /// <summary>The rows of a file.</summary>
    /// <exception cref="InvalidDataException">A line is not such a row.</exception>
    public static IReadOnlyList<TRow> Read<TRow>(string path) => AppendedLines.Read(path, RunJson.Parse<TRow>);

    /// <summary>Shows the rows of a file one after the other, so that they need not all be in memory.</summary>
    /// <exception cref="InvalidDataException">A line is not such a row.</exception>
    public static void Visit<TRow>(string path, Action<TRow> visit) => AppendedLines.Visit(path, line => visit(RunJson.Parse<TRow>(line)));
}
