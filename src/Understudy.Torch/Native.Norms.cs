using System.Runtime.InteropServices;

namespace Understudy.Torch;

internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial int understudy_normalize(TensorHandle x, TensorHandle weight, TensorHandle bias, TensorHandle secondWeight, TensorHandle secondBias, double eps, int centred, int outputs, Span<nint> results);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_dropout_add(TensorHandle residual, TensorHandle a, TensorHandle b, double probability);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_gated_activation(TensorHandle x, TensorHandle gated, int kind);

    [LibraryImport(Library)]
    internal static partial int understudy_split_heads(TensorHandle fused, long heads, int byHead, TensorHandle cosine, TensorHandle sine, Span<nint> results);
}
