namespace Understudy.Torch;

public sealed partial class Tensor
{
#pragma warning disable CS1591 // Each of these is libtorch's operation of the same name; see its documentation.
    public static Tensor operator +(Tensor left, Tensor right) => left.add(right);
    public static Tensor operator +(Tensor left, Scalar right) => left.add(right);
    public static Tensor operator -(Tensor left, Tensor right) => left.sub(right);
    public static Tensor operator -(Tensor left, Scalar right) => left.sub(right);
    public static Tensor operator *(Tensor left, Tensor right) => left.mul(right);
    public static Tensor operator *(Tensor left, Scalar right) => left.mul(right);
    public static Tensor operator *(Scalar left, Tensor right) => right.mul(left);
    public static Tensor operator /(Tensor left, Tensor right) => left.div(right);
    public static Tensor operator /(Tensor left, Scalar right) => left.div(right);
    public static Tensor operator -(Tensor value) => value.neg();

    public Tensor add(Tensor other) => new(Native.understudy_add(handle, other.handle));
    public Tensor add(Scalar other) => new(Native.understudy_add_scalar(handle, other));
    public Tensor sub(Tensor other) => new(Native.understudy_sub(handle, other.handle));
    public Tensor sub(Scalar other) => new(Native.understudy_sub_scalar(handle, other));
    public Tensor mul(Tensor other) => new(Native.understudy_mul(handle, other.handle));
    public Tensor mul(Scalar other) => new(Native.understudy_mul_scalar(handle, other));
    public Tensor div(Tensor other) => new(Native.understudy_div(handle, other.handle));
    public Tensor div(Scalar other) => new(Native.understudy_div_scalar(handle, other));
    public Tensor pow(Scalar exponent) => new(Native.understudy_pow_scalar(handle, exponent));
    public Tensor maximum(Tensor other) => new(Native.understudy_maximum(handle, other.handle));
    public Tensor minimum(Tensor other) => new(Native.understudy_minimum(handle, other.handle));

    public Tensor add_(Tensor other) => InPlace(Native.understudy_add_(handle, other.handle));
    public Tensor add_(Scalar other) => InPlace(Native.understudy_add__scalar(handle, other));
    public Tensor sub_(Tensor other) => InPlace(Native.understudy_sub_(handle, other.handle));
    public Tensor mul_(Tensor other) => InPlace(Native.understudy_mul_(handle, other.handle));
    public Tensor mul_(Scalar other) => InPlace(Native.understudy_mul__scalar(handle, other));
    public Tensor div_(Tensor other) => InPlace(Native.understudy_div_(handle, other.handle));
    public Tensor div_(Scalar other) => InPlace(Native.understudy_div__scalar(handle, other));
    public Tensor copy_(Tensor source) => InPlace(Native.understudy_copy_(handle, source.handle));
    public Tensor fill_(Scalar value) => InPlace(Native.understudy_fill__scalar(handle, value));
    public Tensor zero_() => fill_(0);
    public Tensor normal_(double mean = 0, double std = 1, Generator? generator = null) => InPlace(Native.understudy_normal_(handle, mean, std, Generator.HandleOf(generator)));
    public Tensor uniform_(double from = 0, double to = 1, Generator? generator = null) => InPlace(Native.understudy_uniform_(handle, from, to, Generator.HandleOf(generator)));

    public Tensor neg() => new(Native.understudy_neg(handle));
    public Tensor abs() => new(Native.understudy_abs(handle));
    public Tensor exp() => new(Native.understudy_exp(handle));
    public Tensor log() => new(Native.understudy_log(handle));
    public Tensor sqrt() => new(Native.understudy_sqrt(handle));
    public Tensor rsqrt() => new(Native.understudy_rsqrt(handle));
    public Tensor sin() => new(Native.understudy_sin(handle));
    public Tensor cos() => new(Native.understudy_cos(handle));
    public Tensor tanh() => new(Native.understudy_tanh(handle));
    public Tensor sigmoid() => new(Native.understudy_sigmoid(handle));
    public Tensor isfinite() => new(Native.understudy_isfinite(handle));
    public Tensor logical_not() => new(Native.understudy_logical_not(handle));
    public Tensor logical_and(Tensor other) => new(Native.understudy_logical_and(handle, other.handle));
    public Tensor logical_or(Tensor other) => new(Native.understudy_logical_or(handle, other.handle));

    public Tensor eq(Tensor other) => new(Native.understudy_eq(handle, other.handle));
    public Tensor eq(Scalar other) => new(Native.understudy_eq_scalar(handle, other));
    public Tensor ne(Tensor other) => new(Native.understudy_ne(handle, other.handle));
    public Tensor ne(Scalar other) => new(Native.understudy_ne_scalar(handle, other));
    public Tensor lt(Tensor other) => new(Native.understudy_lt(handle, other.handle));
    public Tensor lt(Scalar other) => new(Native.understudy_lt_scalar(handle, other));
    public Tensor le(Tensor other) => new(Native.understudy_le(handle, other.handle));
    public Tensor le(Scalar other) => new(Native.understudy_le_scalar(handle, other));
    public Tensor gt(Tensor other) => new(Native.understudy_gt(handle, other.handle));
    public Tensor gt(Scalar other) => new(Native.understudy_gt_scalar(handle, other));
    public Tensor ge(Tensor other) => new(Native.understudy_ge(handle, other.handle));
    public Tensor ge(Scalar other) => new(Native.understudy_ge_scalar(handle, other));

    public Tensor clamp(Scalar min, Scalar max) => new(Native.understudy_clamp(handle, min, max));
    public Tensor masked_fill(Tensor mask, Scalar value) => new(Native.understudy_masked_fill(handle, mask.handle, value));
    public Tensor matmul(Tensor other) => new(Native.understudy_matmul(handle, other.handle));

    public Tensor sum() => new(Native.understudy_sum(handle));
    public Tensor sum(long dim, bool keepdim = false) => new(Native.understudy_sum_dim(handle, dim, keepdim ? 1 : 0));
    public Tensor mean() => new(Native.understudy_mean(handle));
    public Tensor mean(long dim, bool keepdim = false) => new(Native.understudy_mean_dim(handle, dim, keepdim ? 1 : 0));
    public Tensor max() => new(Native.understudy_max(handle));
    public Tensor amax(long dim, bool keepdim = false) => new(Native.understudy_amax(handle, dim, keepdim ? 1 : 0));
    public Tensor argmax(long dim, bool keepdim = false) => new(Native.understudy_argmax(handle, dim, keepdim ? 1 : 0));
    public Tensor norm() => new(Native.understudy_norm(handle));
    public Tensor norm(long dim, bool keepdim = false) => new(Native.understudy_norm_dim(handle, dim, keepdim ? 1 : 0));
    public Tensor all() => new(Native.understudy_all(handle));
    public Tensor any() => new(Native.understudy_any(handle));
    public Tensor cumsum(long dim) => new(Native.understudy_cumsum(handle, dim));
    public Tensor logsumexp(long dim, bool keepdim = false) => new(Native.understudy_logsumexp(handle, dim, keepdim ? 1 : 0));
    public Tensor softmax(long dim, ScalarType? dtype = null) => new(Native.understudy_softmax(handle, dim, (int?)dtype ?? -1));
    public Tensor log_softmax(long dim, ScalarType? dtype = null) => new(Native.understudy_log_softmax(handle, dim, (int?)dtype ?? -1));
#pragma warning restore CS1591

    /// <summary>The <paramref name="k"/> largest (or smallest) values along a dimension, in order, and where they are.</summary>
    public (Tensor Values, Tensor Indices) topk(int k, int dim = -1, bool largest = true)
    {
        Native.Check(Native.understudy_topk(handle, k, dim, largest ? 1 : 0, out var values, out var indices));
        return (new Tensor(new TensorHandle(values)), new Tensor(new TensorHandle(indices)));
    }

    /// <summary>The values in order along a dimension, and where they were.</summary>
    public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false)
    {
        Native.Check(Native.understudy_sort(handle, dim, descending ? 1 : 0, out var values, out var indices));
        return (new Tensor(new TensorHandle(values)), new Tensor(new TensorHandle(indices)));
    }

    private Tensor InPlace(int status)
    {
        Native.Check(status);
        return this;
    }
}
