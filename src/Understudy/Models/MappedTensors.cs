using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Tensors over the memory map of a safetensors file.</summary>
public static class MappedTensors
{
    private const long CopiedAtOnce = 16 << 20;

    /// <summary>A read-only view of a stored tensor, without a copy unless it is not aligned. Writing to it ends the process: the file is mapped for reading.</summary>
    /// <remarks>The view keeps the map open, also after the file object was disposed. When it is gone, the tensor's pages are given back: a checkpoint that is copied tensor by tensor is never in memory as a whole.</remarks>
    /// <param name="stored">The tensor of a checkpoint.</param>
    /// <exception cref="InvalidDataException">Its type has no counterpart in libtorch.</exception>
    public static Tensor View(CheckpointTensor stored)
    {
        ArgumentNullException.ThrowIfNull(stored);
        var (file, entry) = stored;
        var dtype = TypeOf(entry.DType) ?? throw new InvalidDataException($"{file.Path}: tensor '{entry.Name}' has the type {entry.DType.Name()}, which cannot be computed with. Expected F32, F16, BF16, F64, an integer type or BOOL.");
        return file.IsAligned(entry)
            ? torch.from_blob(file.PointerTo(entry), entry.Shape, dtype, new MapLease(file.View, file.PointerTo(entry), entry.ByteCount))
            : torch.from_bytes(file.BytesOf(entry), entry.Shape, dtype);
    }

    /// <summary>A copy of a stored tensor, made piece by piece: of the file, one piece at a time is in memory.</summary>
    /// <param name="stored">The tensor of a checkpoint.</param>
    /// <param name="dtype">Type of the copy; null for that of the file.</param>
    /// <param name="device">Where it is put.</param>
    internal static Tensor Copy(CheckpointTensor stored, ScalarType? dtype, Device device)
    {
        using var scope = torch.NewDisposeScope();
        var mapped = View(stored);
        var entry = stored.Entry;
        if (entry.ByteCount <= CopiedAtOnce || !stored.File.IsAligned(entry)) return scope.MoveToOuter(mapped.to(dtype ?? mapped.dtype, device, copy: true));

        var copy = torch.empty(entry.Shape, dtype ?? mapped.dtype, device);
        var (from, to, size) = (mapped.view(-1), copy.view(-1), mapped.dtype.ElementSize());
        for (var start = 0L; start < entry.ElementCount; start += CopiedAtOnce / size)
        {
            var count = Math.Min(CopiedAtOnce / size, entry.ElementCount - start);
            using var piece = torch.NewDisposeScope();
            to.narrow(0, start, count).copy_(from.narrow(0, start, count));
            MappedPages.GiveBack(stored.Address + (nint)(start * size), count * size);
        }

        return scope.MoveToOuter(copy);
    }

    /// <summary>A read-only view of a stored tensor's bytes, [bytes] uint8, whatever its type.</summary>
    /// <param name="stored">The tensor of a checkpoint.</param>
    internal static Tensor Bytes(CheckpointTensor stored) =>
        torch.from_blob(stored.Address, [stored.Entry.ByteCount], ScalarType.Byte, new MapLease(stored.File.View, stored.Address, stored.Entry.ByteCount));

    /// <summary>libtorch's type for a stored one, or null where there is none.</summary>
    public static ScalarType? TypeOf(SafeTensorsDType dtype) => dtype switch
    {
        SafeTensorsDType.F32 => ScalarType.Float32,
        SafeTensorsDType.F16 => ScalarType.Float16,
        SafeTensorsDType.BF16 => ScalarType.BFloat16,
        SafeTensorsDType.F64 => ScalarType.Float64,
        SafeTensorsDType.I64 => ScalarType.Int64,
        SafeTensorsDType.I32 => ScalarType.Int32,
        SafeTensorsDType.I16 => ScalarType.Int16,
        SafeTensorsDType.I8 => ScalarType.Int8,
        SafeTensorsDType.U8 => ScalarType.Byte,
        SafeTensorsDType.Bool => ScalarType.Bool,
        _ => null,
    };

    /// <summary>What a <c>config.json</c> calls a floating-point type.</summary>
    public static string NameOf(ScalarType dtype) => dtype switch
    {
        ScalarType.Float16 => "float16",
        ScalarType.BFloat16 => "bfloat16",
        ScalarType.Float64 => "float64",
        _ => "float32",
    };

    /// <summary>The type that one is computed in when a file calls it so: float32 for what is not a 16-bit type.</summary>
    internal static ScalarType TypeNamed(string? name) => name switch
    {
        "bfloat16" => ScalarType.BFloat16,
        "float16" => ScalarType.Float16,
        _ => ScalarType.Float32,
    };

    /// <summary>The stored type for one of libtorch's.</summary>
    public static SafeTensorsDType StoredTypeOf(ScalarType dtype) => dtype switch
    {
        ScalarType.Float32 => SafeTensorsDType.F32,
        ScalarType.Float16 => SafeTensorsDType.F16,
        ScalarType.BFloat16 => SafeTensorsDType.BF16,
        ScalarType.Float64 => SafeTensorsDType.F64,
        ScalarType.Int64 => SafeTensorsDType.I64,
        ScalarType.Int32 => SafeTensorsDType.I32,
        ScalarType.Int16 => SafeTensorsDType.I16,
        ScalarType.Int8 => SafeTensorsDType.I8,
        ScalarType.Byte => SafeTensorsDType.U8,
        _ => SafeTensorsDType.Bool,
    };
}

/// <summary>Keeps a mapping open for as long as a tensor looks into it, and its pages no longer than that.</summary>
internal sealed class MapLease : IDisposable
{
    private readonly System.Runtime.InteropServices.SafeHandle view;
    private readonly nint address;
    private readonly long length;

    internal MapLease(System.Runtime.InteropServices.SafeHandle view, nint address, long length)
    {
        (this.view, this.address, this.length) = (view, address, length);
        var added = false;
        view.DangerousAddRef(ref added);
    }

    public void Dispose()
    {
        MappedPages.GiveBack(address, length);
        view.DangerousRelease();
    }
}
