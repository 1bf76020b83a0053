using System.Runtime.InteropServices;

namespace Understudy.Torch;

internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial int understudy_isa();

    [LibraryImport(Library)]
    internal static partial int understudy_set_isa(int wanted);

    [LibraryImport(Library)]
    internal static partial int understudy_linears(TensorHandle x, ReadOnlySpan<nint> weights, ReadOnlySpan<nint> biases, int count, Span<nint> results);

    [LibraryImport(Library)]
    internal static partial int understudy_has_linear_cross_entropy(TensorHandle x, TensorHandle weight, TensorHandle bias);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_linear_cross_entropy(TensorHandle x, TensorHandle weight, TensorHandle bias, TensorHandle targets, TensorHandle weights, double labelSmoothing);
}
