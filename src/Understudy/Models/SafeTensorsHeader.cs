using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;

namespace Understudy.Models;

/// <summary>
/// The header of a safetensors file: 8 bytes of little-endian length, then a JSON object. Parsing checks everything the reference
/// implementation (the Rust crate <c>safetensors</c>) checks, and also refuses duplicate names and unaligned tensors.
/// </summary>
internal sealed class SafeTensorsHeader
{
    public const int LengthBytes = 8;
    public const int MaxBytes = 100_000_000;

    // An entry is an object in an object with arrays inside: three levels. The rest is for keys a later version may add.
    private const int MaxDepth = 16;
    private const string Again = "The file is damaged or was cut short; download or save it again.";

    private readonly string path;
    private readonly List<SafeTensorsEntry> entries = [];
    private readonly Dictionary<string, string> metadata = [];

    private SafeTensorsHeader(string path) => this.path = path;

    /// <summary>The tensors in the order of their data.</summary>
    public IReadOnlyList<SafeTensorsEntry> Entries => entries;

    /// <summary>The free-form texts under <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Checks the length that the first 8 bytes announce against the length of the file, and returns it.</summary>
    public static int ReadLength(string path, ReadOnlySpan<byte> firstBytes, long fileLength)
    {
        if (firstBytes.Length < LengthBytes)
            throw new InvalidDataException($"{path}: expected a safetensors file of at least {LengthBytes} bytes, found {fileLength}. {Again}");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(firstBytes);
        if (length > MaxBytes)
        {
            throw new InvalidDataException(
                $"{path}: the header says it is {length} bytes long, the limit is {MaxBytes}. Is this a safetensors file? "
                + "If it is, it is damaged; download or save it again.");
        }

        if ((long)length > fileLength - LengthBytes)
        {
            throw new InvalidDataException(
                $"{path}: the header says it is {length} bytes long, but only {fileLength - LengthBytes} bytes follow its length. {Again}");
        }

        return (int)length;
    }

    /// <summary>Parses the JSON of the header and checks it against <paramref name="dataLength"/>, the bytes that follow it.</summary>
    /// <exception cref="InvalidDataException">The header breaks a rule of the format; the message names the file and the tensor.</exception>
    public static SafeTensorsHeader Parse(string path, ReadOnlySpan<byte> json, long dataLength)
    {
        var header = new SafeTensorsHeader(path);
        if (json.IsEmpty || json[0] != (byte)'{')
            throw header.Bad($"expected the header to begin with '{{', found {(json.IsEmpty ? "an empty header" : $"the byte 0x{json[0]:X2}")}. Is this a safetensors file?");
        if (!Utf8.IsValid(json))
            throw header.Bad($"the header is not valid UTF-8. {Again}");
        try
        {
            header.ReadObject(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException is what the reader throws for a lone surrogate in an escape.
            throw new InvalidDataException($"{path}: the header is not valid JSON: {e.Message.TrimEnd('.')}. {Again}", e);
        }

        header.CheckLayout(dataLength);
        return header;
    }

    /// <summary>A tensor's name for a message: quoted, cut to 200 characters, control characters replaced.</summary>
    public static string Quote(string name)
    {
        var shown = name.Length > 200 ? name[..200] + "..." : name;
        return "'" + string.Concat(shown.Select(c => char.IsControl(c) ? '?' : c)) + "'";
    }

    private void ReadObject(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        var names = new HashSet<string>();
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!names.Add(name))
                throw Bad($"the name {Quote(name)} appears twice in the header. Every tensor needs a name of its own; save the file again.");
            reader.Read();
            if (name == "__metadata__") ReadMetadata(ref reader);
            else ReadEntry(ref reader, name);
        }

        // Anything but white space after the closing brace makes this call throw.
        reader.Read();
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null) return;
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Bad($"expected '__metadata__' to be an object of texts, found {Kind(reader.TokenType)}.");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                throw Bad($"expected '__metadata__' to hold texts, found {Kind(reader.TokenType)} under {Quote(key)}.");
            if (!metadata.TryAdd(key, reader.GetString()!))
                throw Bad($"the key {Quote(key)} appears twice in '__metadata__'.");
        }
    }

    private void ReadEntry(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Bad(name, $"expected an object with 'dtype', 'shape' and 'data_offsets', found {Kind(reader.TokenType)}.");
        SafeTensorsDType? dtype = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            var seen = key switch { "dtype" => dtype is not null, "shape" => shape is not null, "data_offsets" => offsets is not null, _ => false };
            if (seen) throw Bad(name, $"the key '{key}' appears twice.");
            switch (key)
            {
                case "dtype":
                    dtype = ReadDType(ref reader, name);
                    break;
                case "shape":
                    shape = ReadNumbers(ref reader, name, key);
                    break;
                case "data_offsets":
                    offsets = ReadNumbers(ref reader, name, key);
                    if (offsets.Count != 2) throw Bad(name, $"expected 'data_offsets' to be [begin, end], found {offsets.Count} numbers.");
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        var missing = dtype is null ? "dtype" : shape is null ? "shape" : offsets is null ? "data_offsets" : null;
        if (missing is not null) throw Bad(name, $"the key '{missing}' is missing. {Again}");
        entries.Add(new SafeTensorsEntry(name, dtype!.Value, [.. shape!], offsets![0], offsets[1]));
    }

    private SafeTensorsDType ReadDType(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.String) throw Bad(name, $"expected 'dtype' to be a text, found {Kind(reader.TokenType)}.");
        var text = reader.GetString()!;
        if (SafeTensorsDTypeExtensions.TryParse(text, out var dtype)) return dtype;
        throw Bad(name, $"unknown dtype {Quote(text)}; known are {SafeTensorsDTypeExtensions.KnownNames}.");
    }

    private List<long> ReadNumbers(ref Utf8JsonReader reader, string name, string key)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Bad(name, $"expected '{key}' to be a list of whole numbers, found {Kind(reader.TokenType)}.");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
            {
                var found = reader.TokenType == JsonTokenType.Number ? System.Text.Encoding.UTF8.GetString(reader.ValueSpan) : Kind(reader.TokenType);
                throw Bad(name, $"expected '{key}' to hold whole numbers from 0 to {long.MaxValue}, found {Quote(found).Trim('\'')}.");
            }

            numbers.Add(number);
        }

        return numbers;
    }

    private void CheckLayout(long dataLength)
    {
        // Files written before the format fixed an order list their tensors by name; the data decides the order here.
        entries.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        var expected = 0L;
        SafeTensorsEntry? before = null;
        foreach (var entry in entries)
        {
            CheckEntry(entry, expected, before);
            expected = entry.End;
            before = entry;
        }

        if (expected != dataLength)
        {
            throw Bad(expected > dataLength
                ? $"the tensors need {expected} bytes of data, the file holds {dataLength}. {Again}"
                : $"the tensors cover {expected} bytes of data, the file holds {dataLength}; nothing may follow the last tensor. {Again}");
        }
    }

    private void CheckEntry(SafeTensorsEntry entry, long expected, SafeTensorsEntry? before)
    {
        var shape = $"[{string.Join(", ", entry.Shape.Take(16))}{(entry.Shape.Length > 16 ? ", ..." : "")}]";
        if (entry.End < entry.Begin)
            throw Bad(entry.Name, $"'data_offsets' end at {entry.End}, before they begin at {entry.Begin}. {Again}");
        if (entry.Begin < expected)
            throw Bad(entry.Name, $"'data_offsets' begin at {entry.Begin} and overlap tensor {Quote(before!.Name)}, which ends at {expected}. {Again}");
        if (entry.Begin > expected)
        {
            var after = before is null ? "at the beginning" : $"after tensor {Quote(before.Name)}";
            throw Bad(entry.Name, $"'data_offsets' begin at {entry.Begin} and leave a hole {after}; expected {expected}. {Again}");
        }

        if (!entry.DType.TryByteCount(entry.Shape, out var bytes))
            throw Bad(entry.Name, $"the size of shape {shape} and dtype {entry.DType.Name()} is no whole number of bytes below 2^63. {Again}");
        if (bytes != entry.ByteCount)
            throw Bad(entry.Name, $"shape {shape} and dtype {entry.DType.Name()} need {bytes} bytes, 'data_offsets' hold {entry.ByteCount}. {Again}");
        if (bytes > 0 && entry.Begin % entry.DType.Alignment() != 0)
        {
            throw Bad(
                entry.Name,
                $"'data_offsets' begin at {entry.Begin}, which is not a multiple of {entry.DType.Alignment()}, the size of {entry.DType.Name()}. "
                + "Save the file again with a current safetensors, which orders tensors by the size of their elements: "
                + "python -c \"from safetensors.torch import load_file, save_file; save_file(load_file('model.safetensors'), 'aligned.safetensors', {'format': 'pt'})\"");
        }
    }

    private static string Kind(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.String => "a text",
        JsonTokenType.Number => "a number",
        JsonTokenType.Null => "null",
        _ => "true or false",
    };

    private InvalidDataException Bad(string what) => new($"{path}: {what}");

    private InvalidDataException Bad(string name, string what) => new($"{path}: tensor {Quote(name)}: {what}");
}
