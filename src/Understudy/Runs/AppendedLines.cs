using System.Text;
using System.Text.Json;

namespace Understudy.Runs;

/// <summary>
/// A file of JSON lines that only grows. A line is in the file once it has its line break, so a process that dies while
/// writing leaves at most one torn line, which is cut off when the file is opened again.
/// </summary>
internal sealed class AppendedLines : IDisposable
{
    private readonly FileStream stream;
    private readonly Lock writing = new();

    private AppendedLines(FileStream stream, long cut)
    {
        this.stream = stream;
        BytesCut = cut;
    }

    /// <summary>How many bytes of a torn line were cut off on opening.</summary>
    public long BytesCut { get; }

    /// <summary>Opens <paramref name="path"/> for appending, shows every line to <paramref name="visit"/>, and cuts off a torn one at the end.</summary>
    /// <param name="path">The file; made when it is not there.</param>
    /// <param name="visit">Takes a line, parsed; it may throw <see cref="JsonException"/> for one that is no row.</param>
    /// <exception cref="InvalidDataException">A line before the last is not JSON.</exception>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static AppendedLines Open(string path, Action<JsonElement> visit) => Storage.Guard(path, () =>
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        // Without a buffer: what a full disk refused must not be tried again, and fail again, when the file is closed.
        var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        try
        {
            var whole = ReadWhole(path, stream, visit);
            var cut = stream.Length - whole;
            if (cut > 0)
                stream.SetLength(whole);
            stream.Seek(0, SeekOrigin.End);
            return new AppendedLines(stream, cut);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    });

    /// <summary>The whole lines of a file, parsed; a torn one at the end is passed over. Nothing when there is no file.</summary>
    /// <exception cref="InvalidDataException">A line before the last is not JSON.</exception>
    public static List<T> Read<T>(string path, Func<JsonElement, T> parse)
    {
        var rows = new List<T>();
        Visit(path, line => rows.Add(parse(line)));
        return rows;
    }

    /// <summary>Shows the whole lines of a file to <paramref name="visit"/>, one after the other; a torn one at the end is passed over. Nothing when there is no file.</summary>
    /// <exception cref="InvalidDataException">A line before the last is not JSON.</exception>
    public static void Visit(string path, Action<JsonElement> visit)
    {
        if (!File.Exists(path))
            return;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16);
        ReadWhole(path, stream, visit);
    }

    /// <summary>Appends a line and hands it to the operating system, which keeps it even if this process dies.</summary>
    public void Append(string line)
    {
        lock (writing)
        {
            Storage.Guard(stream.Name, () => stream.Write(Encoding.UTF8.GetBytes(line + "\n")));
        }
    }

    /// <summary>Has the disk take over everything appended so far, so that a power cut leaves it, too.</summary>
    public void Flush()
    {
        lock (writing)
        {
            Storage.Guard(stream.Name, () => stream.Flush(flushToDisk: true));
        }
    }

    public void Dispose() => stream.Dispose();

    /// <summary>Visits the lines and returns the length of the part that is whole.</summary>
    private static long ReadWhole(string path, FileStream stream, Action<JsonElement> visit)
    {
        long whole = 0, position = 0;
        var number = 0;
        (int Line, string What)? broken = null;
        using var line = new MemoryStream();
        var block = new byte[1 << 16];
        for (int read; (read = stream.Read(block)) > 0;)
        {
            for (var from = 0; from < read;)
            {
                var end = Array.IndexOf(block, (byte)'\n', from, read - from);
                var until = end < 0 ? read : end;
                line.Write(block, from, until - from);
                position += until - from + (end < 0 ? 0 : 1);
                from = until + 1;
                if (end < 0)
                    continue;
                if (broken is { } bad)
                    throw new InvalidDataException($"{path}({bad.Line}): expected a JSON object on the line, found something else ({bad.What}). Only the last line of this file can be torn by a crash; remove the line, or the file to begin anew.");
                number++;
                try
                {
                    using var document = JsonDocument.Parse(line.GetBuffer().AsMemory(0, (int)line.Length));
                    visit(document.RootElement);
                    whole = position;
                }
                catch (JsonException e)
                {
                    broken = (number, e.Message);
                }
                line.SetLength(0);
            }
        }
        return whole;
    }
}
