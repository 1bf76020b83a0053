using System.Runtime.InteropServices;

namespace Understudy.Torch;

internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial nint understudy_last_error();

    [LibraryImport(Library)]
    internal static partial nint understudy_last_error_details();

    [LibraryImport(Library)]
    internal static partial nint understudy_torch_version();

    [LibraryImport(Library)]
    internal static partial long understudy_live_tensors();

    [LibraryImport(Library)]
    internal static partial int understudy_set_num_threads(int threads);

    [LibraryImport(Library)]
    internal static partial int understudy_get_num_threads();

    [LibraryImport(Library)]
    internal static partial int understudy_manual_seed(ulong seed);

    [LibraryImport(Library)]
    internal static partial int understudy_cuda_device_count();

    [LibraryImport(Library)]
    internal static partial int understudy_set_grad_enabled(int enabled);

    [LibraryImport(Library)]
    internal static partial int understudy_is_grad_enabled();

    [LibraryImport(Library)]
    internal static partial int understudy_autocast_enter(int deviceType, int enabled, int dtype);

    [LibraryImport(Library)]
    internal static partial int understudy_autocast_exit(int deviceType, int previous, int dtype);

    [LibraryImport(Library)]
    internal static partial void understudy_tensor_free(nint tensor);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_empty(ReadOnlySpan<long> shape, int dims, int dtype, int dev, int index);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_full(ReadOnlySpan<long> shape, int dims, Scalar value, int dtype, int dev, int index);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_arange(Scalar start, Scalar end, Scalar step, int dtype, int dev, int index);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_from_data(nint data, long bytes, ReadOnlySpan<long> shape, int dims, int dtype);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_from_blob(nint data, ReadOnlySpan<long> shape, int dims, int dtype, nint release, nint context);

    [LibraryImport(Library)]
    internal static partial int understudy_copy_to(TensorHandle tensor, nint destination, long bytes);

    [LibraryImport(Library)]
    internal static partial int understudy_dim(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial long understudy_numel(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial int understudy_dtype(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial int understudy_device_type(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial int understudy_device_index(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial int understudy_is_contiguous(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial nint understudy_data_ptr(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial void understudy_shape(TensorHandle tensor, Span<long> shape, Span<long> strides);

    [LibraryImport(Library)]
    internal static partial int understudy_item(TensorHandle tensor, out double value);

    [LibraryImport(Library)]
    internal static partial int understudy_item_int64(TensorHandle tensor, out long value);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_to(TensorHandle tensor, int dtype, int dev, int index, int copy);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_clone(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_contiguous(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_alias(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial GeneratorHandle understudy_generator_new(ulong seed);

    [LibraryImport(Library)]
    internal static partial void understudy_generator_free(nint generator);

    [LibraryImport(Library)]
    internal static partial int understudy_generator_seed(GeneratorHandle generator, ulong seed);

    [LibraryImport(Library)]
    internal static partial int understudy_normal_(TensorHandle tensor, double mean, double std, GeneratorHandle generator);

    [LibraryImport(Library)]
    internal static partial int understudy_uniform_(TensorHandle tensor, double from, double to, GeneratorHandle generator);
}
