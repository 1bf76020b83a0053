using System.Runtime.InteropServices;

namespace Understudy.Torch;

internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_nf4_levels();

    [LibraryImport(Library)]
    internal static partial int understudy_nf4_quantize(TensorHandle source, long block, out nint codes, out nint scales);

    [LibraryImport(Library)]
    internal static partial int understudy_nf4_quantize_scales(TensorHandle scales, long block, out nint codes, out nint nestedScales, out nint map, out double offset);

    [LibraryImport(Library)]
    internal static partial int understudy_int8_quantize(TensorHandle matrix, out nint codes, out nint scales);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_quantized_linear(TensorHandle x, TensorHandle bias, TensorHandle codes, TensorHandle scales, TensorHandle nestedMap, TensorHandle nestedScales, double offset, long block, long nestedBlock, long rows, long columns);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_quantized_dense(TensorHandle codes, TensorHandle scales, TensorHandle nestedMap, TensorHandle nestedScales, double offset, long block, long nestedBlock, long rows, long columns, int dtype);
}
