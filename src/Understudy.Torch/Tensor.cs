using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Understudy.Torch;

/// <summary>A libtorch tensor. Names and semantics are TorchSharp's; the operations are in the other parts of this class.</summary>
/// <remarks>Registered with the innermost <see cref="DisposeScope"/> of the thread when it is created. Not thread-safe.</remarks>
public sealed partial class Tensor : IDisposable
{
    private readonly TensorHandle handle;

    internal Tensor(TensorHandle handle)
    {
        if (handle.IsInvalid)
        {
            throw Native.Failure();
        }

        this.handle = handle;
        DisposeScope.Register(this);
    }

    internal DisposeScope? Scope { get; set; }

    internal int ScopeIndex { get; set; }

    internal TensorHandle Handle => handle;

    internal static TensorHandle HandleOf(Tensor? tensor) => tensor?.handle ?? TensorHandle.Null;

    /// <summary>Number of tensors that .NET code holds in this process, over all threads.</summary>
    public static long TotalCount => Native.understudy_live_tensors();

    /// <summary>Element type.</summary>
    public ScalarType dtype => (ScalarType)Native.understudy_dtype(handle);

    /// <summary>Where the data are.</summary>
    public Device device => Native.understudy_device_type(handle) == (int)DeviceType.CPU
        ? Device.CPU
        : new Device((DeviceType)Native.understudy_device_type(handle), Native.understudy_device_index(handle));

    /// <summary>Sizes, outermost dimension first.</summary>
    public long[] shape => Describe().Shape;

    /// <summary>Steps in elements between neighbours along each dimension.</summary>
    public long[] stride() => Describe().Strides;

    /// <summary>Number of dimensions.</summary>
    public int ndim => Native.understudy_dim(handle);

    /// <summary>Number of elements.</summary>
    public long numel() => Native.understudy_numel(handle);

    /// <summary>Size of one dimension; negative counts from the last.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such dimension.</exception>
    public long size(int dim)
    {
        var sizes = shape;
        var index = dim < 0 ? dim + sizes.Length : dim;
        ArgumentOutOfRangeException.ThrowIfNegative(index, nameof(dim));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, sizes.Length, nameof(dim));
        return sizes[index];
    }

    /// <summary>Whether the elements lie in memory in row-major order without gaps.</summary>
    public bool is_contiguous() => Native.understudy_is_contiguous(handle) != 0;

    /// <summary>Frees the native tensor; the memory goes when its last view is gone.</summary>
    public void Dispose()
    {
        Scope?.Remove(this);
        handle.Dispose();
    }

    /// <summary>Gives the tensor to the next outer scope, or to nobody when there is none.</summary>
    public Tensor MoveToOuterDisposeScope() => DisposeScope.MoveOut(this);

    /// <summary>Takes the tensor out of every scope: it lives until it is disposed.</summary>
    public Tensor DetachFromDisposeScope() => DisposeScope.Detach(this);

    /// <summary>The single element as a number.</summary>
    /// <typeparam name="T">A primitive number type or <see cref="bool"/>.</typeparam>
    /// <exception cref="TorchException">The tensor has not exactly one element.</exception>
    public T item<T>()
        where T : struct, IConvertible
    {
        if (dtype is ScalarType.Int64 or ScalarType.Int32 or ScalarType.Int16 or ScalarType.Int8 or ScalarType.Byte or ScalarType.Bool)
        {
            Native.Check(Native.understudy_item_int64(handle, out var integer));
            return (T)Convert.ChangeType(integer, typeof(T), System.Globalization.CultureInfo.InvariantCulture);
        }

        Native.Check(Native.understudy_item(handle, out var value));
        return (T)Convert.ChangeType(value, typeof(T), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>A copy of all elements in row-major order, whatever the layout and the device.</summary>
    /// <typeparam name="T">The .NET type of <see cref="dtype"/>: <c>float</c>, <c>long</c>, <c>int</c>, <c>double</c>, <c>bool</c>, <c>byte</c>, <c>Half</c>, or <c>ushort</c> for the bits of a bfloat16.</typeparam>
    /// <exception cref="ArgumentException">The element sizes differ.</exception>
    public T[] ToArray<T>()
        where T : unmanaged
    {
        var values = new T[numel()];
        CopyTo<T>(values);
        return values;
    }

    /// <summary>Copies all elements in row-major order into memory of the same size.</summary>
    /// <typeparam name="T">As for <see cref="ToArray{T}"/>.</typeparam>
    /// <exception cref="ArgumentException">The element sizes differ.</exception>
    /// <exception cref="TorchException">The destination has another length.</exception>
    public unsafe void CopyTo<T>(Span<T> destination)
        where T : unmanaged
    {
        if (Unsafe.SizeOf<T>() != dtype.ElementSize())
        {
            throw new ArgumentException($"A tensor of {dtype} cannot be read as {typeof(T).Name}. Convert it first: tensor.to(ScalarType...).", nameof(destination));
        }

        fixed (T* pointer = destination)
        {
            Native.Check(Native.understudy_copy_to(handle, (nint)pointer, (long)destination.Length * sizeof(T)));
        }
    }

    /// <summary>The elements of a contiguous CPU tensor, without a copy; valid while the tensor is alive. For reading: what is written is not noticed by autograd, nor by the 16-bit copy of a weight.</summary>
    /// <typeparam name="T">As for <see cref="ToArray{T}"/>.</typeparam>
    /// <exception cref="InvalidOperationException">Not on the CPU, not contiguous, another element size, or more than 2^31 - 1 elements.</exception>
    public unsafe Span<T> data<T>()
        where T : unmanaged
    {
        if (device.type != DeviceType.CPU || !is_contiguous() || Unsafe.SizeOf<T>() != dtype.ElementSize() || numel() > int.MaxValue)
        {
            throw new InvalidOperationException($"Only a contiguous CPU tensor of {typeof(T).Name} elements can be looked into; this one is {this}.");
        }

        return new Span<T>((void*)Native.understudy_data_ptr(handle), checked((int)numel()));
    }

    /// <summary>Type, shape and device, for messages.</summary>
    public override string ToString() =>
        handle.IsClosed ? "[disposed tensor]" : $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";

    private (long[] Shape, long[] Strides) Describe()
    {
        var dims = ndim;
        var sizes = new long[dims];
        var strides = new long[dims];
        Native.understudy_shape(handle, sizes, strides);
        return (sizes, strides);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void ReleaseOwner(nint context)
    {
        var keep = GCHandle.FromIntPtr(context);
        (keep.Target as IDisposable)?.Dispose();
        keep.Free();
    }

    internal static unsafe Tensor FromMemory(nint data, ReadOnlySpan<long> shape, ScalarType dtype, IDisposable owner)
    {
        var keep = GCHandle.Alloc(owner);
        var created = Native.understudy_from_blob(data, shape, shape.Length, (int)dtype, (nint)(delegate* unmanaged[Cdecl]<nint, void>)&ReleaseOwner, GCHandle.ToIntPtr(keep));
        if (created.IsInvalid)
        {
            keep.Free();
        }

        return new Tensor(created);
    }
}
