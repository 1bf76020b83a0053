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
        SafeTensorsWriter.Write(path, tensors.Select(tensor => Source(tensor, null)), metadata);
    }

    /// <summary>Writes a model's weights into a folder, in one file or in shards with their index.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tensors">Names and values.</param>
    /// <param name="maxShardSize">The most bytes of a file.</param>
    /// <param name="dtype">The type of floating-point weights in the files; null for their own.</param>
    internal static void WriteShards(string folder, IEnumerable<NamedParameter> tensors, long maxShardSize, ScalarType? dtype) =>
        SafeTensorsShardWriter.Write(folder, tensors.Select(tensor => Source(tensor, dtype)), maxShardSize);

    private static SafeTensorsSource Source(NamedParameter parameter, ScalarType? dtype)
    {
        var own = parameter.Value.dtype;
        var type = dtype is { } wanted && own is ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float64 ? wanted : own;
        return new(parameter.Name, MappedTensors.StoredTypeOf(type), parameter.Value.shape, stream => Copy(parameter.Value, type, stream));
    }

    private static void Copy(Tensor tensor, ScalarType type, Stream stream)
    {
        using var scope = torch.NewDisposeScope();
        // Bytes of a flat view, in pieces: a span cannot hold more than 2 GiB.
        var flat = tensor.detach().to(tensor.dtype, Device.CPU).contiguous().view(-1);
        var total = flat.numel();
        const long Piece = 64 << 20;
        for (var start = 0L; start < total; start += Piece)
        {
            using var piece = torch.NewDisposeScope();
            stream.Write(Bytes(flat.narrow(0, start, Math.Min(Piece, total - start)).to(type)));
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
