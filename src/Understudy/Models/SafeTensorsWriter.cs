using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Understudy.Models;

/// <summary>
/// Writes safetensors files byte for byte as the reference serializer does: tensors sorted by falling element type and then by
/// name, the header padded with spaces to 8 bytes, <c>__metadata__</c> = <c>{"format":"pt"}</c>.
/// </summary>
public static class SafeTensorsWriter
{
    /// <summary>What <c>transformers</c> expects under <c>__metadata__</c> before it loads a file.</summary>
    public static IReadOnlyDictionary<string, string> PyTorchMetadata { get; } = new Dictionary<string, string> { ["format"] = "pt" };

    /// <summary>
    /// Writes one file. It appears under its name only when it is complete and on the disk; whoever has an older file of that name
    /// open keeps the older contents.
    /// </summary>
    /// <param name="path">Where to write; an existing file is replaced.</param>
    /// <param name="tensors">The tensors, in any order.</param>
    /// <param name="metadata">The texts under <c>__metadata__</c>; <see cref="PyTorchMetadata"/> when null, no entry when empty.</param>
    /// <exception cref="ArgumentException">Two tensors have the same name, or the header would be longer than the format allows.</exception>
    public static void Write(string path, IEnumerable<SafeTensorsSource> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var temporary = WriteTemporary(path, tensors, metadata);
        try
        {
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Writes a complete file beside <paramref name="path"/> and returns its name; renaming it is left to the caller.</summary>
    internal static string WriteTemporary(string path, IEnumerable<SafeTensorsSource> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var sorted = tensors.OrderByDescending(tensor => tensor.DType).ThenBy(tensor => tensor.Name, Utf8Order).ToList();
        if (sorted.GroupBy(tensor => tensor.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Tensor {SafeTensorsHeader.Quote(twice.Key)} is given twice; every tensor needs a name of its own.", nameof(tensors));
        var header = Header(sorted, metadata ?? PyTorchMetadata);
        if (header.Length > SafeTensorsHeader.MaxBytes)
            throw new ArgumentException($"The header of {path} would be {header.Length} bytes long, the limit is {SafeTensorsHeader.MaxBytes}. Write fewer tensors to a file.", nameof(tensors));

        var temporary = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            using var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20);
            Span<byte> length = stackalloc byte[SafeTensorsHeader.LengthBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (var tensor in sorted) tensor.WriteTo(stream);
            stream.Flush(flushToDisk: true);
            return temporary;
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    // The reference sorts names by their UTF-8 bytes, which differs from UTF-16 order beyond the basic plane.
    private static readonly Comparer<string> Utf8Order = Comparer<string>.Create((a, b) =>
        System.Text.Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(b)));

    private static byte[] Header(List<SafeTensorsSource> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }

            var offset = 0L;
            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DType.Name());
                json.WriteStartArray("shape");
                foreach (var dimension in tensor.Shape) json.WriteNumberValue(dimension);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(checked(offset += tensor.ByteCount));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (buffer.Length % SafeTensorsHeader.LengthBytes != 0) buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }
}
