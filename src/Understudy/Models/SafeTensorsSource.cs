namespace Understudy.Models;

/// <summary>A tensor to be written: its description and the bytes, asked for only when their turn comes.</summary>
public sealed unsafe class SafeTensorsSource
{
    private readonly Action<Stream> write;

    /// <summary>Describes a tensor whose bytes are produced on demand.</summary>
    /// <param name="name">Its name; any text except <c>__metadata__</c>.</param>
    /// <param name="dtype">The type of its elements.</param>
    /// <param name="shape">Its dimensions, outermost first; empty for a scalar.</param>
    /// <param name="write">Writes exactly <see cref="ByteCount"/> bytes: the elements, row-major, little-endian.</param>
    /// <exception cref="ArgumentException">The name is reserved, or the shape has no size in bytes.</exception>
    public SafeTensorsSource(string name, SafeTensorsDType dtype, long[] shape, Action<Stream> write)
    {
        if (name == "__metadata__")
            throw new ArgumentException("A tensor cannot be called '__metadata__': safetensors keeps that name for itself. Rename it.", nameof(name));
        if (!dtype.TryByteCount(shape, out var bytes))
        {
            throw new ArgumentException(
                $"Tensor {SafeTensorsHeader.Quote(name)} of shape [{string.Join(", ", shape)}] and type {dtype.Name()} is no whole number of bytes below 2^63.",
                nameof(shape));
        }

        (Name, DType, Shape, ByteCount, this.write) = (name, dtype, [.. shape], bytes, write);
    }

    /// <summary>The tensor's name.</summary>
    public string Name { get; }

    /// <summary>The type of its elements.</summary>
    public SafeTensorsDType DType { get; }

    /// <summary>Its dimensions, outermost first.</summary>
    public long[] Shape { get; }

    /// <summary>The size of its data in bytes.</summary>
    public long ByteCount { get; }

    /// <summary>A tensor whose bytes lie in managed memory.</summary>
    /// <exception cref="ArgumentException">The bytes are not as many as the shape and the type need.</exception>
    public static SafeTensorsSource FromBytes(string name, SafeTensorsDType dtype, long[] shape, ReadOnlyMemory<byte> bytes)
    {
        var source = new SafeTensorsSource(name, dtype, shape, stream => stream.Write(bytes.Span));
        if (source.ByteCount == bytes.Length) return source;
        throw new ArgumentException(
            $"Tensor {SafeTensorsHeader.Quote(name)} of shape [{string.Join(", ", shape)}] and type {dtype.Name()} needs {source.ByteCount} bytes, found {bytes.Length}.",
            nameof(bytes));
    }

    /// <summary>
    /// A tensor whose bytes lie at an address, contiguous and row-major. The memory has to stay valid until the file is written;
    /// the caller vouches for its length.
    /// </summary>
    public static SafeTensorsSource FromPointer(string name, SafeTensorsDType dtype, long[] shape, nint address)
    {
        var length = dtype.TryByteCount(shape, out var bytes) ? bytes : 0;
        return new SafeTensorsSource(name, dtype, shape, stream => CopyTo(stream, address, length));
    }

    /// <summary>Writes the tensor's bytes and checks that they are as many as announced.</summary>
    internal void WriteTo(Stream stream)
    {
        var before = stream.Position;
        write(stream);
        if (stream.Position - before != ByteCount)
            throw new InvalidOperationException($"Tensor {SafeTensorsHeader.Quote(Name)} announced {ByteCount} bytes and wrote {stream.Position - before}.");
    }

    private static void CopyTo(Stream stream, nint address, long length)
    {
        const int chunk = 1 << 24;
        for (var offset = 0L; offset < length; offset += chunk)
            stream.Write(new ReadOnlySpan<byte>((byte*)address + offset, (int)Math.Min(chunk, length - offset)));
    }
}
