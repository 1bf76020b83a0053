namespace Understudy.Torch;

public sealed partial class Tensor
{
#pragma warning disable CS1591 // Each of these is libtorch's operation of the same name; see its documentation.
    public Tensor view(params ReadOnlySpan<long> shape) => new(Native.understudy_view(handle, shape, shape.Length));
    public Tensor reshape(params ReadOnlySpan<long> shape) => new(Native.understudy_reshape(handle, shape, shape.Length));
    public Tensor expand(params ReadOnlySpan<long> shape) => new(Native.understudy_expand(handle, shape, shape.Length));
    public Tensor permute(params ReadOnlySpan<long> order) => new(Native.understudy_permute(handle, order, order.Length));
    public Tensor transpose(long dim0, long dim1) => new(Native.understudy_transpose(handle, dim0, dim1));
    public Tensor t() => transpose(0, 1);
    public Tensor unsqueeze(long dim) => new(Native.understudy_unsqueeze(handle, dim));
    public Tensor squeeze(long dim) => new(Native.understudy_squeeze(handle, dim));
    public Tensor narrow(long dim, long start, long length) => new(Native.understudy_narrow(handle, dim, start, length));
    public Tensor select(long dim, long index) => new(Native.understudy_select(handle, dim, index));
    public Tensor index_select(long dim, Tensor index) => new(Native.understudy_index_select(handle, dim, index.handle));
    public Tensor index_copy(long dim, Tensor index, Tensor source) => new(Native.understudy_index_copy(handle, dim, index.handle, source.handle));
    public Tensor gather(long dim, Tensor index) => new(Native.understudy_gather(handle, dim, index.handle));
    public Tensor masked_select(Tensor mask) => new(Native.understudy_masked_select(handle, mask.handle));
    public Tensor repeat_interleave(long repeats, long dim) => new(Native.understudy_repeat_interleave(handle, repeats, dim));
    public Tensor flip(long dim) => new(Native.understudy_flip(handle, dim));
    public Tensor tril(long diagonal = 0) => new(Native.understudy_tril(handle, diagonal));
    public Tensor triu(long diagonal = 0) => new(Native.understudy_triu(handle, diagonal));
    public Tensor clone() => new(Native.understudy_clone(handle));
    public Tensor contiguous() => new(Native.understudy_contiguous(handle));
    public Tensor detach() => new(Native.understudy_detach(handle));
    public Tensor alias() => new(Native.understudy_alias(handle));
    public Tensor to(ScalarType type) => to(type, device);
    public Tensor to(Device device) => to(dtype, device);
#pragma warning restore CS1591

    /// <summary>The tensor in another type or place; the same memory when nothing changes and no copy is asked for.</summary>
    public Tensor to(ScalarType type, Device device, bool copy = false)
    {
        ArgumentNullException.ThrowIfNull(device);
        return new(Native.understudy_to(handle, (int)type, (int)device.type, device.index, copy ? 1 : 0));
    }

    /// <summary>Views of <paramref name="size"/> along a dimension; the last may be smaller.</summary>
    public Tensor[] split(long size, int dim = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        var length = this.size(dim);
        var handles = new nint[Math.Max(1, (length + size - 1) / size)];
        Native.Check(Native.understudy_split(handle, size, dim, handles, handles.Length));
        return [.. handles.Select(part => new Tensor(new TensorHandle(part)))];
    }

    /// <summary>Views of equal size along a dimension; the last may be smaller.</summary>
    public Tensor[] chunk(int chunks, int dim = 0) => split((size(dim) + chunks - 1) / chunks, dim);
}
