using System.Runtime.InteropServices;

namespace Understudy.Torch;

internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_neg(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_abs(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_exp(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_log(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_sqrt(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_rsqrt(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_sin(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_cos(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_tanh(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_sigmoid(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_relu(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_silu(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_isfinite(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_logical_not(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_add(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_sub(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_mul(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_div(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_maximum(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_minimum(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_eq(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_ne(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_lt(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_le(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_gt(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_ge(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_logical_and(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_logical_or(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_add_scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_sub_scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_mul_scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_div_scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_pow_scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_eq_scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_ne_scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_lt_scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_le_scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_gt_scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_ge_scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial int understudy_add_(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial int understudy_sub_(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial int understudy_mul_(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial int understudy_div_(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial int understudy_copy_(TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial int understudy_add__scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial int understudy_mul__scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial int understudy_div__scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial int understudy_fill__scalar(TensorHandle x, Scalar y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_gelu(TensorHandle x, int tanhApproximation);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_clamp(TensorHandle x, Scalar low, Scalar high);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_where(TensorHandle condition, TensorHandle x, TensorHandle y);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_masked_fill(TensorHandle x, TensorHandle mask, Scalar value);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_sum(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_sum_dim(TensorHandle x, long dim, int keepdim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_mean(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_mean_dim(TensorHandle x, long dim, int keepdim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_max(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_amax(TensorHandle x, long dim, int keepdim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_argmax(TensorHandle x, long dim, int keepdim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_norm(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_norm_dim(TensorHandle x, long dim, int keepdim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_all(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_any(TensorHandle x);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_cumsum(TensorHandle x, long dim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_logsumexp(TensorHandle x, long dim, int keepdim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_softmax(TensorHandle x, long dim, int dtype);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_log_softmax(TensorHandle x, long dim, int dtype);

    [LibraryImport(Library)]
    internal static partial int understudy_topk(TensorHandle x, long k, long dim, int largest, out nint values, out nint indices);

    [LibraryImport(Library)]
    internal static partial int understudy_sort(TensorHandle x, long dim, int descending, out nint values, out nint indices);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_view(TensorHandle x, ReadOnlySpan<long> shape, int dims);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_reshape(TensorHandle x, ReadOnlySpan<long> shape, int dims);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_expand(TensorHandle x, ReadOnlySpan<long> shape, int dims);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_permute(TensorHandle x, ReadOnlySpan<long> order, int dims);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_transpose(TensorHandle x, long first, long second);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_unsqueeze(TensorHandle x, long dim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_squeeze(TensorHandle x, long dim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_narrow(TensorHandle x, long dim, long start, long length);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_select(TensorHandle x, long dim, long index);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_index_select(TensorHandle x, long dim, TensorHandle indices);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_index_copy(TensorHandle x, long dim, TensorHandle indices, TensorHandle source);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_gather(TensorHandle x, long dim, TensorHandle indices);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_masked_select(TensorHandle x, TensorHandle mask);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_repeat_interleave(TensorHandle x, long repeats, long dim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_flip(TensorHandle x, long dim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_tril(TensorHandle x, long diagonal);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_triu(TensorHandle x, long diagonal);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_cat(ReadOnlySpan<nint> tensors, int count, long dim);

    [LibraryImport(Library)]
    internal static partial TensorHandle understudy_stack(ReadOnlySpan<nint> tensors, int count, long dim);

    [LibraryImport(Library)]
    internal static partial int understudy_split(TensorHandle x, long size, long dim, Span<nint> results, int room);
}
