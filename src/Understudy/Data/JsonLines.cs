using System.Text.Json;

namespace Understudy.Data;

/// <summary>Reads JSON Lines: one object per line, blank lines skipped.</summary>
internal static class JsonLines
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64 };

    /// <summary>The file's rows, read as they are asked for.</summary>
    public static IEnumerable<RawRow> Read(string path, int maxLineMb)
    {
        using var lines = new LineReader(path, maxLineMb);
        while (lines.MoveNext())
        {
            if (!IsBlank(lines))
                yield return Parse(lines);
        }
    }

    /// <summary>Whether the current line holds no row.</summary>
    public static bool IsBlank(LineReader lines) => lines.Current.Span.IndexOfAnyExcept(" \t\r"u8) < 0;

    /// <summary>The row of the current line.</summary>
    /// <exception cref="InvalidDataException">The line is no JSON object.</exception>
    public static RawRow Parse(LineReader lines)
    {
        try
        {
            using var document = JsonDocument.Parse(lines.Current, Strict);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                var cure = lines.LineNumber == 1 && root.ValueKind == JsonValueKind.Array
                    ? "Write each element of the list on a line of its own." : "Write the row as {\"text\": \"...\"}.";
                throw lines.Fault($"expected a JSON object, found {Value(root).Described}. {cure}");
            }
            var columns = new List<string>();
            var values = new List<RawValue>();
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var property in root.EnumerateObject())
            {
                if (!names.Add(property.Name))
                    throw lines.Fault($"the object names key '{property.Name}' twice. Remove one.");
                columns.Add(property.Name);
                values.Add(Value(property.Value));
            }
            return new RawRow(lines.LineNumber, columns, values);
        }
        catch (JsonException e)
        {
            var cure = lines.LineNumber == 1 && lines.Current.Span.TrimStart(" \t"u8).IndexOfAny((byte)'{', (byte)'[') == 0
                ? "JSON Lines has one whole object per line: is this one object spread over several lines?" : "Every line must be one JSON object.";
            throw lines.Fault($"the line is not JSON (byte {(e.BytePositionInLine ?? 0) + 1} of the line). {cure}");
        }
        catch (InvalidOperationException)
        {
            // GetString and Name refuse \u escapes of half a surrogate pair.
            throw lines.Fault("a string holds half of a surrogate pair (a \\ud800 to \\udfff escape without its other half), which is not text. Remove it.");
        }
    }

    private static RawValue Value(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => new(RawKind.String, element.GetString()!),
        JsonValueKind.Number when element.TryGetInt64(out var integer) => new(RawKind.Integer, integer.ToString()),
        JsonValueKind.Number => new(RawKind.Number, element.GetRawText()),
        JsonValueKind.True => new(RawKind.Boolean, "true"),
        JsonValueKind.False => new(RawKind.Boolean, "false"),
        JsonValueKind.Array => new(RawKind.List, element.GetRawText()),
        JsonValueKind.Object => new(RawKind.Object, element.GetRawText()),
        _ => new(RawKind.Null, "null"),
    };
}
