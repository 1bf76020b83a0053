using System.Runtime.InteropServices;

namespace Understudy.Torch;

internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial PackedMatrixHandle understudy_pack(TensorHandle matrix, TensorHandle bias, int narrow);

    [LibraryImport(Library)]
    internal static partial PackedMatrixHandle understudy_pack_int8(TensorHandle codes, TensorHandle scales, TensorHandle bias);

    [LibraryImport(Library)]
    internal static partial PackedMatrixHandle understudy_pack_nf4(TensorHandle codes, TensorHandle scales, long block, long outputs, long inputs, TensorHandle bias);

    [LibraryImport(Library)]
    internal static partial void understudy_packed_free(nint matrix);

    [LibraryImport(Library)]
    internal static partial PagesHandle understudy_pages_new(long layers, long keyHeads, long dim, int narrow);

    [LibraryImport(Library)]
    internal static partial long understudy_pages_bytes(PagesHandle pages);

    [LibraryImport(Library)]
    internal static partial int understudy_pages_reserve(PagesHandle pages, long count);

    [LibraryImport(Library)]
    internal static partial int understudy_pages_copy(PagesHandle pages, long from, long to);

    [LibraryImport(Library)]
    internal static partial void understudy_pages_free(nint pages);

    [LibraryImport(Library)]
    internal static partial StepHandle understudy_step_new(int narrow);

    [LibraryImport(Library)]
    internal static partial void understudy_step_free(nint step);

    [LibraryImport(Library)]
    internal static partial int understudy_step_buffer(StepHandle step, long width, int narrow, int selected);

    [LibraryImport(Library)]
    internal static partial int understudy_step_embed(StepHandle step, int output, TensorHandle table, int source, long offset, double scale, int add);

    [LibraryImport(Library)]
    internal static partial int understudy_step_normalize(StepHandle step, int input, int wide, int narrow, TensorHandle weight, TensorHandle bias, double eps, int rootMeanSquare);

    [LibraryImport(Library)]
    internal static partial int understudy_step_linear(StepHandle step, int input, int output, PackedMatrixHandle matrix, int activation, int add, int beside);

    [LibraryImport(Library)]
    internal static partial int understudy_step_gate(StepHandle step, int input, int output, long gateAt, long upAt, long width, int activation);

    [LibraryImport(Library)]
    internal static partial int understudy_step_heads(StepHandle step, int input, int query, in HeadLayout layout, TensorHandle queryNorm, TensorHandle keyNorm, TensorHandle cosine, TensorHandle sine, PagesHandle cache);

    [LibraryImport(Library)]
    internal static partial int understudy_step_attend(StepHandle step, int query, int output, long heads, long keyHeads, long dim, PagesHandle cache, long layer, int sees, long window, double scale, TensorHandle bias);

    [LibraryImport(Library)]
    internal static partial int understudy_step_select(StepHandle step, int input, int output);

    [LibraryImport(Library)]
    internal static partial int understudy_step_mean(StepHandle step, int input, int output, long width, int unit);

    [LibraryImport(Library)]
    internal static unsafe partial int understudy_step_run(StepHandle step, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, int tokens, ReadOnlySpan<int> types, int typeCount, NativeStepRow* rows, int rowCount, ReadOnlySpan<int> selected, int selectedCount, TensorHandle output);

    [LibraryImport(Library)]
    internal static partial int understudy_autocast_dtype();

    [LibraryImport(Library)]
    internal static partial int understudy_tensor_clear(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial long understudy_tensor_version(TensorHandle tensor);

    [LibraryImport(Library)]
    internal static partial int understudy_argmax_lines(TensorHandle logits, int lines, Span<int> tokens);

    [LibraryImport(Library)]
    internal static partial int understudy_draw_lines(TensorHandle logits, ReadOnlySpan<DrawLine> tasks, int count, Span<int> tokens);

    [LibraryImport(Library)]
    internal static partial int understudy_log_sum_exp_lines(TensorHandle logits, int lines, Span<double> sums);

    [LibraryImport(Library)]
    internal static partial SweepHandle understudy_sweep_new(long bytes);

    [LibraryImport(Library)]
    internal static partial int understudy_sweep_run(SweepHandle sweep, out long bytes, out double seconds);

    [LibraryImport(Library)]
    internal static partial void understudy_sweep_free(nint sweep);

    /// <summary>Mirrors <c>StepRow</c> of native/inference/step.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct NativeStepRow
    {
        internal int First;
        internal int Count;
        internal int Past;
        internal int Source;
        internal int* Pages;
        internal int* SourcePages;
        internal ulong* Tree;
    }
}
