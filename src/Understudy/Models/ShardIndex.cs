using System.Text.Json;
using System.Text.Unicode;

namespace Understudy.Models;

/// <summary>Reads <c>model.safetensors.index.json</c>: which shard holds which tensor.</summary>
internal static class ShardIndex
{
    private const int MaxBytes = 100_000_000;
    private const int MaxDepth = 16;

    /// <summary>Tensor name to shard file name, in the order of the file. Shard names are plain file names: no folder, no drive.</summary>
    /// <exception cref="InvalidDataException">The file is not such an index, lists a tensor twice, or names a file outside its folder.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
        var length = new FileInfo(path).Length;
        if (length > MaxBytes) throw new InvalidDataException($"{path}: the index is {length} bytes long, the limit is {MaxBytes}.");
        var bytes = File.ReadAllBytes(path).AsSpan();
        if (bytes.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        if (!Utf8.IsValid(bytes)) throw new InvalidDataException($"{path}: the index is not valid UTF-8. Download or save it again.");
        try
        {
            return Parse(path, bytes) ?? throw new InvalidDataException($"{path}: expected an object with the key 'weight_map', which gives every tensor its shard; found none.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path}: the index is not valid JSON: {e.Message.TrimEnd('.')}. Download or save it again.", e);
        }
    }

    private static OrderedDictionary<string, string>? Parse(string path, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        OrderedDictionary<string, string>? map = null;
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) return null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMap = reader.ValueTextEquals("weight_map");
            reader.Read();
            if (!isMap)
            {
                reader.Skip();
                continue;
            }

            if (map is not null) throw new InvalidDataException($"{path}: the key 'weight_map' appears twice.");
            if (reader.TokenType != JsonTokenType.StartObject) return null;
            map = ReadMap(path, ref reader);
        }

        reader.Read();
        return map;
    }

    private static OrderedDictionary<string, string> ReadMap(string path, ref Utf8JsonReader reader)
    {
        var map = new OrderedDictionary<string, string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                throw new InvalidDataException($"{path}: expected the file name of a shard for tensor {SafeTensorsHeader.Quote(name)}, found {reader.TokenType}.");
            var shard = reader.GetString()!;
            if (!IsPlainFileName(shard))
            {
                throw new InvalidDataException(
                    $"{path}: tensor {SafeTensorsHeader.Quote(name)} is said to be in {SafeTensorsHeader.Quote(shard)}; expected the name of a .safetensors file in the same folder. "
                    + "Do not trust this checkpoint unless you know where it comes from.");
            }

            if (!map.TryAdd(name, shard))
                throw new InvalidDataException($"{path}: tensor {SafeTensorsHeader.Quote(name)} is listed twice, in {map[name]} and in {shard}. Download or save the checkpoint again.");
        }

        return map;
    }

    private static bool IsPlainFileName(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal)
        && name.Length is > 12 and <= 255
        && !name.Any(c => c is '/' or '\\' or ':' || char.IsControl(c));
}
