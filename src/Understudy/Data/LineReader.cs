using System.Text;
using System.Text.Unicode;

namespace Understudy.Data;

/// <summary>Reads a file line by line as checked UTF-8, with the line's number and place for error messages. Memory is bounded by the longest line.</summary>
internal sealed class LineReader : IDisposable
{
    private readonly Stream stream;
    private readonly string path;
    private readonly int maxLineBytes;
    private readonly int maxLineMb;
    private byte[] buffer = new byte[1 << 16];
    private int start, end;
    private long bufferOffset;
    private bool ended;

    /// <summary>Opens the file.</summary>
    /// <param name="path">A file, gzip or not.</param>
    /// <param name="maxLineMb">The longest permitted line in MiB.</param>
    public LineReader(string path, int maxLineMb)
    {
        this.path = path;
        this.maxLineMb = maxLineMb;
        maxLineBytes = maxLineMb << 20;
        stream = DataFile.Open(path);
    }

    /// <summary>The current line without its line break; valid until the next <see cref="MoveNext"/>.</summary>
    public ReadOnlyMemory<byte> Current { get; private set; }

    /// <summary>The current line's number, from 1; counts every line break, also those within quoted fields.</summary>
    public long LineNumber { get; private set; }

    /// <summary>Whether the current line ended with CR LF.</summary>
    public bool EndedWithCarriageReturn { get; private set; }

    /// <summary>The longest permitted line in bytes.</summary>
    public int MaxLineBytes => maxLineBytes;

    /// <summary>Goes to the next line.</summary>
    /// <returns>False at the end of the file.</returns>
    /// <exception cref="InvalidDataException">The line is too long, not UTF-8, or holds a NUL character.</exception>
    public bool MoveNext()
    {
        var searched = 0;
        while (true)
        {
            var found = buffer.AsSpan(start + searched, end - start - searched).IndexOf((byte)'\n');
            if (found >= 0)
            {
                Take(searched + found, lineBreak: 1);
                return true;
            }
            searched = end - start;
            if (searched > maxLineBytes)
                throw TooLong(LineNumber + 1);
            if (!ended)
            {
                Fill();
                continue;
            }
            if (searched == 0)
                return false;
            Take(searched, lineBreak: 0);
            return true;
        }
    }

    /// <summary>The current line as text.</summary>
    public string CurrentText() => Encoding.UTF8.GetString(Current.Span);

    /// <summary>An exception that says what is wrong with the current line.</summary>
    public InvalidDataException Fault(string message) => FaultAt(LineNumber, message);

    /// <summary>An exception that says what is wrong with line <paramref name="line"/>.</summary>
    public InvalidDataException FaultAt(long line, string message) => new($"{path}({line}): {message}");

    /// <summary>The exception for a line or record that exceeds the limit.</summary>
    public InvalidDataException TooLong(long line) =>
        FaultAt(line, $"the line is longer than {maxLineMb} MiB. Check that the file has one row per line, or raise 'max_line_mb'.");

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    private void Fill()
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            bufferOffset += start;
            (start, end) = (0, end - start);
        }
        else if (end == buffer.Length)
        {
            Array.Resize(ref buffer, (int)Math.Min((long)buffer.Length * 2, maxLineBytes + (1L << 16)));
        }
        var count = stream.Read(buffer.AsSpan(end));
        ended = count == 0;
        end += count;
    }

    private void Take(int length, int lineBreak)
    {
        LineNumber++;
        var line = buffer.AsMemory(start, length);
        var mark = LineNumber == 1 ? ByteOrderMark(line.Span) : 0;
        line = line[mark..];
        EndedWithCarriageReturn = lineBreak == 1 && line.Span.EndsWith((byte)'\r');
        if (line.Span.EndsWith((byte)'\r'))
            line = line[..^1];
        if (line.Length > maxLineBytes)
            throw TooLong(LineNumber);
        if (!Utf8.IsValid(line.Span))
            throw NotUtf8(line.Span, bufferOffset + start + mark);
        if (line.Span.Contains((byte)0))
            throw Fault("the line holds a NUL character. Check that the file is text: remove the character, or convert the file if it is UTF-16 or UTF-32.");
        start += length + lineBreak;
        Current = line;
    }

    // The length of the UTF-8 byte-order mark, 0 without one.
    private int ByteOrderMark(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || line.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
            throw Fault($"the file is UTF-16; expected UTF-8. Convert it: iconv -f UTF-16 -t UTF-8 '{path}' > converted.");
        return line.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? 3 : 0;
    }

    private InvalidDataException NotUtf8(ReadOnlySpan<byte> line, long lineOffset)
    {
        var at = 0;
        while (Rune.DecodeFromUtf8(line[at..], out _, out var consumed) == System.Buffers.OperationStatus.Done)
            at += consumed;
        return Fault(
            $"byte {lineOffset + at} of the file, 0x{line[at]:X2}, is not UTF-8. " +
            $"If the file is in another encoding, convert it: iconv -f WINDOWS-1252 -t UTF-8 '{path}' > converted.");
    }
}
