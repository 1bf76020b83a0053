namespace Understudy.Torch;

/// <content>What is read from lines of logits on the CPU, and what else inference asks.</content>
public static partial class torch
{
    /// <summary>The type that <see cref="autocast"/> takes matrix products on the CPU in now; null where it is off.</summary>
    public static ScalarType? autocast_dtype() => Native.understudy_autocast_dtype() is >= 0 and var type ? (ScalarType)type : null;

    /// <summary>How often the tensor was written to: what was derived from it holds as long as this stays.</summary>
    public static long version(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return Native.understudy_tensor_version(tensor.Handle);
    }

    /// <summary>The number of the largest of each line, the lowest of equals; -1 for a line that holds a NaN.</summary>
    /// <param name="logits">[at least as many lines, vocabulary] float32, contiguous, on the CPU.</param>
    /// <param name="numbers">As many as lines are read; filled.</param>
    public static void argmax_lines(Tensor logits, Span<int> numbers)
    {
        ArgumentNullException.ThrowIfNull(logits);
        Native.Check(Native.understudy_argmax_lines(logits.Handle, numbers.Length, numbers));
    }

    /// <summary>The logarithm of the sum of the exponentials of each line; NaN for a line that holds one, infinite for one that holds nothing finite.</summary>
    /// <param name="logits">[at least as many lines, vocabulary] float32, contiguous, on the CPU.</param>
    /// <param name="sums">As many as lines are read; filled.</param>
    public static void log_sum_exp_lines(Tensor logits, Span<double> sums)
    {
        ArgumentNullException.ThrowIfNull(logits);
        Native.Check(Native.understudy_log_sum_exp_lines(logits.Handle, sums.Length, sums));
    }
}
