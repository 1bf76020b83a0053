using System.Runtime.InteropServices;

namespace Understudy.Torch;

internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_scaled_dot_product_attention(TensorHandle query, TensorHandle key, TensorHandle value, TensorHandle mask, double dropout, int isCausal);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_scaled_dot_product_attention_varlen(TensorHandle query, TensorHandle key, TensorHandle value, TensorHandle queryStarts, TensorHandle keyStarts, double dropout, int isCausal);
}
