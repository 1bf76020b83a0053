using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Understudy.Torch;

public static partial class torch
{
    /// <summary>A tensor whose elements are whatever was in memory.</summary>
    public static Tensor empty(ReadOnlySpan<long> shape, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        var place = device ?? Device.CPU;
        return new(Native.understudy_empty(shape, shape.Length, (int)dtype, (int)place.type, place.index));
    }

    /// <summary>A tensor of one value.</summary>
    public static Tensor full(ReadOnlySpan<long> shape, Scalar value, ScalarType dtype = ScalarType.Float32, Device? device = null)
    {
        var place = device ?? Device.CPU;
        return new(Native.understudy_full(shape, shape.Length, value, (int)dtype, (int)place.type, place.index));
    }

    /// <summary>A tensor of zeros.</summary>
    public static Tensor zeros(ReadOnlySpan<long> shape, ScalarType dtype = ScalarType.Float32, Device? device = null) => full(shape, 0, dtype, device);

    /// <summary>A tensor of ones.</summary>
    public static Tensor ones(ReadOnlySpan<long> shape, ScalarType dtype = ScalarType.Float32, Device? device = null) => full(shape, 1, dtype, device);

    /// <summary>Zeros of the shape, type and place of another tensor.</summary>
    public static Tensor zeros_like(Tensor other) => zeros(other.shape, other.dtype, other.device);

    /// <summary>Numbers from <paramref name="start"/> to below <paramref name="stop"/>.</summary>
    public static Tensor arange(Scalar start, Scalar stop, Scalar? step = null, ScalarType dtype = ScalarType.Int64, Device? device = null)
    {
        var place = device ?? Device.CPU;
        return new(Native.understudy_arange(start, stop, step ?? 1, (int)dtype, (int)place.type, place.index));
    }

    /// <summary>Numbers from 0 to below <paramref name="stop"/>.</summary>
    public static Tensor arange(Scalar stop, ScalarType dtype = ScalarType.Int64, Device? device = null) => arange(0, stop, 1, dtype, device);

    /// <summary>Standard normal numbers.</summary>
    public static Tensor randn(ReadOnlySpan<long> shape, Generator? generator = null, Device? device = null)
    {
        var values = empty(shape, ScalarType.Float32, device);
        return values.normal_(0, 1, generator);
    }

    /// <summary>A copy of .NET data as a tensor on the CPU; the type follows <typeparamref name="T"/>.</summary>
    /// <typeparam name="T"><c>float</c>, <c>double</c>, <c>long</c>, <c>int</c>, <c>short</c>, <c>sbyte</c>, <c>byte</c>, <c>bool</c> or <see cref="Half"/>.</typeparam>
    /// <param name="data">Elements in row-major order.</param>
    /// <param name="shape">Sizes; none means one dimension.</param>
    /// <exception cref="TorchException">The shape holds another number of elements.</exception>
    public static Tensor tensor<T>(ReadOnlySpan<T> data, params ReadOnlySpan<long> shape)
        where T : unmanaged => from_bytes(MemoryMarshal.AsBytes(data), shape.IsEmpty ? [data.Length] : shape, TypeOf<T>());

    /// <inheritdoc cref="tensor{T}(ReadOnlySpan{T}, ReadOnlySpan{long})"/>
    public static Tensor tensor<T>(T[] data, params ReadOnlySpan<long> shape)
        where T : unmanaged => tensor((ReadOnlySpan<T>)data, shape);

    /// <summary>A copy of raw bytes as a tensor on the CPU.</summary>
    /// <exception cref="TorchException">The shape and type hold another number of bytes.</exception>
    public static unsafe Tensor from_bytes(ReadOnlySpan<byte> bytes, ReadOnlySpan<long> shape, ScalarType dtype)
    {
        fixed (byte* pointer = bytes)
        {
            return new(Native.understudy_from_data((nint)pointer, bytes.Length, shape, shape.Length, (int)dtype));
        }
    }

    /// <summary>A tensor over memory that somebody else owns, without a copy.</summary>
    /// <param name="data">Address of the first element, aligned to the element size.</param>
    /// <param name="shape">Sizes of a contiguous tensor.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="owner">Holds the memory; disposed when the last view of it is gone, on whatever thread lets go of that.</param>
    public static Tensor from_blob(nint data, ReadOnlySpan<long> shape, ScalarType dtype, IDisposable owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        return Tensor.FromMemory(data, shape, dtype, owner);
    }

    private static ScalarType TypeOf<T>()
        where T : unmanaged => Type.GetTypeCode(typeof(T)) switch
        {
            TypeCode.Single => ScalarType.Float32,
            TypeCode.Double => ScalarType.Float64,
            TypeCode.Int64 => ScalarType.Int64,
            TypeCode.Int32 => ScalarType.Int32,
            TypeCode.Int16 => ScalarType.Int16,
            TypeCode.SByte => ScalarType.Int8,
            TypeCode.Byte => ScalarType.Byte,
            TypeCode.Boolean => ScalarType.Bool,
            _ => typeof(T) == typeof(Half) ? ScalarType.Float16
                : throw new ArgumentException($"There is no tensor of {typeof(T).Name} ({Unsafe.SizeOf<T>()} bytes)."),
        };
}
