using System.Runtime.InteropServices;

namespace Understudy.Torch;

internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_matmul(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_linear(TensorHandle x, TensorHandle weight, TensorHandle bias);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_embedding(TensorHandle weight, TensorHandle indices, long paddingIdx);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_layer_norm(TensorHandle x, ReadOnlySpan<long> shape, int dims, TensorHandle weight, TensorHandle bias, double eps);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_dropout(TensorHandle x, double probability, int training);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_nll_loss(TensorHandle logProbabilities, TensorHandle targets, long reduction, long ignoreIndex);

    [LibraryImport(Library)]
    internal static partial int understudy_requires_grad(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial int understudy_set_requires_grad(TensorHandle x, int value);

    [LibraryImport(Library)]
    internal static partial int understudy_backward(TensorHandle x, TensorHandle gradient, out nint exception);

    [LibraryImport(Library)]
    internal static partial nint understudy_checkpoint_begin(ReadOnlySpan<nint> inputs, int count);

    [LibraryImport(Library)]
    internal static partial void understudy_checkpoint_forget(nint surroundings);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_checkpoint(TensorHandle output, ReadOnlySpan<nint> inputs, int count, nint surroundings, nint recompute, nint release, nint context);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_detach(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial int understudy_has_grad(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_grad(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial int understudy_set_grad(TensorHandle x, TensorHandle gradient);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_weighted_cross_entropy(TensorHandle logits, TensorHandle targets, TensorHandle weights, double labelSmoothing);

    [LibraryImport(Library)]
    internal static partial int understudy_adamw_step(ReadOnlySpan<nint> parameters, ReadOnlySpan<nint> averages, ReadOnlySpan<nint> squares, ReadOnlySpan<double> weightDecays, int count, double learningRate, double beta1, double beta2, double eps, long stepNumber, double gradScale);

    [LibraryImport(Library)]
    internal static partial int understudy_grad_norm(ReadOnlySpan<nint> parameters, int count, out double norm);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_rotary_embedding(TensorHandle x, TensorHandle cosine, TensorHandle sine);
}
