using System.Runtime.InteropServices;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Writes tensors to safetensors files, each of which appears whole or not at all.</summary>
public static class WeightFile
{
    /// <summary>Writes tensors as they are, replacing the file in one step.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Names and values.</param>
    /// <param name="metadata">Free-form texts of the header; <c>format: pt</c> when null.</param>
    public static void Write(string path, IEnumerable<NamedParameter> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        SafeTensorsWriter.Write(path, tensors.Select(Source), metadata);
    }

    /// <summary>Writes a model's weights into a folder, in one file or in shards with their index.</summary>
    internal static void WriteShards(string folder, IEnumerable<NamedParameter> tensors, long maxShardSize) =>
        SafeTensorsShardWriter.Write(folder, tensors.Select(Source), maxShardSize);

    private static SafeTensorsSource Source(NamedParameter parameter) => new(
        parameter.Name,
        MappedTensors.StoredTypeOf(parameter.Value.dtype),
        parameter.Value.shape,
        stream => Copy(parameter.Value, stream));

    private static void Copy(Tensor tensor, Stream stream)
    {
        using var scope = torch.NewDisposeScope();
        // Bytes of a flat view, in pieces: a span cannot hold more than 2 GiB.
        var flat = tensor.detach().to(tensor.dtype, Device.CPU).contiguous().view(-1);
        var total = flat.numel();
        const long Piece = 64 << 20;
        for (var start = 0L; start < total; start += Piece)
        {
            using var part = flat.narrow(0, start, Math.Min(Piece, total - start));
            stream.Write(Bytes(part));
        }
    }

    private static ReadOnlySpan<byte> Bytes(Tensor part) => part.dtype.ElementSize() switch
    {
        1 => part.data<byte>(),
        2 => MemoryMarshal.AsBytes(part.data<ushort>()),
        4 => MemoryMarshal.AsBytes(part.data<float>()),
        _ => MemoryMarshal.AsBytes(part.data<long>()),
    };
}
