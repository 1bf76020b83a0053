using System.Text;

namespace Understudy.Data;

/// <summary>Reads CSV (RFC 4180: quoted fields, doubled quotes, line breaks within quotes) and TSV (no quoting), both with a header line, strictly.</summary>
internal sealed class DelimitedText
{
    private readonly LineReader lines;
    private readonly char delimiter;
    private readonly bool quoting;
    private readonly StringBuilder field = new();

    private DelimitedText(LineReader lines, char delimiter, bool quoting) =>
        (this.lines, this.delimiter, this.quoting) = (lines, delimiter, quoting);

    /// <summary>The file's rows after the header, read as they are asked for.</summary>
    public static IEnumerable<RawRow> Read(string path, int maxLineMb, char delimiter, bool quoting)
    {
        using var lines = new LineReader(path, maxLineMb);
        var reader = new DelimitedText(lines, delimiter, quoting);
        if (reader.Record() is not (var headerLine, var header))
            yield break;
        for (var i = 0; i < header.Length; i++)
        {
            if (Array.IndexOf(header, header[i]) < i)
                throw lines.FaultAt(headerLine, $"the header names column '{header[i]}' twice. Rename one.");
        }
        while (reader.Record() is (var line, var fields))
        {
            if (fields.Length != header.Length)
            {
                throw lines.FaultAt(line,
                    $"expected {header.Length} field(s) as in the header [{string.Join(", ", header)}], found {fields.Length}. " +
                    (quoting ? "Quote fields that contain the delimiter or a line break." : "Remove stray tabs from the fields."));
            }
            yield return new RawRow(line, header, Array.ConvertAll(fields, text => new RawValue(RawKind.String, text)));
        }
    }

    // The next record that is not a blank line, and the line it begins on.
    private (long Line, string[] Fields)? Record()
    {
        while (lines.MoveNext())
        {
            if (lines.Current.IsEmpty)
                continue;
            var first = lines.LineNumber;
            var text = lines.CurrentText();
            return (first, quoting ? QuotedFields(text, first) : text.Split(delimiter));
        }
        return null;
    }

    private string[] QuotedFields(string line, long first)
    {
        var fields = new List<string>();
        var recordBytes = (long)lines.Current.Length;
        var at = 0;
        while (true)
        {
            if (at < line.Length && line[at] == '"')
            {
                (line, at) = QuotedField(line, at + 1, first, ref recordBytes);
                if (at < line.Length && line[at] != delimiter)
                    throw lines.Fault($"expected '{delimiter}' or the end of the line after the closing quote, found '{line[at]}'. Double the quotes within a quoted field.");
            }
            else
            {
                var length = line.AsSpan(at).IndexOf(delimiter);
                var end = length < 0 ? line.Length : at + length;
                if (line.AsSpan(at, end - at).Contains('"'))
                    throw lines.Fault("found a quote within a field that does not begin with one. Quote the whole field and double the quotes within it.");
                field.Append(line, at, end - at);
                at = end;
            }
            fields.Add(field.ToString());
            field.Clear();
            if (at == line.Length)
                return [.. fields];
            at++;
        }
    }

    // Appends a quoted field; returns the line on which it ends and the place after the closing quote.
    private (string Line, int At) QuotedField(string line, int at, long first, ref long recordBytes)
    {
        var opened = lines.LineNumber;
        while (true)
        {
            var length = line.AsSpan(at).IndexOf('"');
            if (length >= 0)
            {
                field.Append(line, at, length);
                at += length + 1;
                if (at == line.Length || line[at] != '"')
                    return (line, at);
                field.Append('"');
                at++;
                continue;
            }
            field.Append(line, at, line.Length - at).Append(lines.EndedWithCarriageReturn ? "\r\n" : "\n");
            if (!lines.MoveNext())
                throw lines.FaultAt(opened, "the quote opened on this line is never closed. Close it, or double the quotes within the field.");
            recordBytes += lines.Current.Length + 1;
            if (recordBytes > lines.MaxLineBytes)
                throw lines.TooLong(first);
            (line, at) = (lines.CurrentText(), 0);
        }
    }
}
