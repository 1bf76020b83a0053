using System.Diagnostics.CodeAnalysis;

namespace Understudy.Runs;

/// <summary>
/// Rows as they come, one JSON object a line, each with a key that occurs once. Killed at any moment, at most the row in
/// flight is lost; opened again, it knows which rows are there and takes none of them twice.
/// </summary>
/// <typeparam name="TRow">A record; its properties are written with snake_case names.</typeparam>
/// <remarks>Appending is thread-safe.</remarks>
public sealed class Journal<TRow> : IDisposable
    where TRow : class
{
    private readonly HashSet<string> keys = new(StringComparer.Ordinal);
    private readonly Func<TRow, string> keyOf;
    private readonly AppendedLines lines;
    private readonly string path;

    private Journal(string path, Func<TRow, string> keyOf)
    {
        this.path = path;
        this.keyOf = keyOf;
        lines = AppendedLines.Open(path, line => keys.Add(keyOf(RunJson.Parse<TRow>(line))));
    }

    /// <summary>Opens a journal, making the file when it is not there and cutting off a torn last line.</summary>
    /// <param name="path">The file, usually under <c>rows/</c> of a run folder.</param>
    /// <param name="keyOf">What makes a row unique.</param>
    /// <exception cref="InvalidDataException">A line before the last is not such a row.</exception>
    /// <exception cref="IOException">The disk refuses.</exception>
    [SuppressMessage("Design", "CA1000", Justification = "The row type is always written out, so that the file's content is in sight.")]
    public static Journal<TRow> Open(string path, Func<TRow, string> keyOf) => new(path, keyOf);

    /// <summary>How many rows there are.</summary>
    public int Count
    {
        get
        {
            lock (keys)
                return keys.Count;
        }
    }

    /// <summary>Whether a torn line was cut off on opening.</summary>
    public bool WasTorn => lines.BytesCut > 0;

    /// <summary>Whether the row with this key is there.</summary>
    public bool Contains(string key)
    {
        lock (keys)
            return keys.Contains(key);
    }

    /// <summary>Appends a row, unless one with its key is there.</summary>
    /// <returns>Whether it was appended.</returns>
    /// <exception cref="IOException">The disk refuses.</exception>
    public bool Append(TRow row)
    {
        lock (keys)
        {
            var key = keyOf(row);
            if (keys.Contains(key))
                return false;
            lines.Append(RunJson.Line(row));
            keys.Add(key);
            return true;
        }
    }

    /// <summary>The rows in the order in which they were appended.</summary>
    public IReadOnlyList<TRow> Read() => AppendedLines.Read(path, RunJson.Parse<TRow>);

    /// <inheritdoc/>
    public void Dispose() => lines.Dispose();
}
