namespace Understudy.Torch;

/// <content>What is read from lines of logits on the CPU.</content>
public static partial class torch
{
    /// <summary>The number of the largest of each line, the lowest of equals; -1 for a line that holds a NaN, -2 for one that is minus infinity throughout.</summary>
    /// <param name="logits">[at least as many lines, vocabulary] float32, contiguous, on the CPU.</param>
    /// <param name="numbers">As many as lines are read; filled.</param>
    /// <exception cref="TorchException">Another type or layout, or fewer lines.</exception>
    public static void argmax_lines(Tensor logits, Span<int> numbers)
    {
        ArgumentNullException.ThrowIfNull(logits);
        Native.Check(Native.understudy_argmax_lines(logits.Handle, numbers.Length, numbers));
    }

    /// <summary>Draws a token from each of some lines. Of equally probable tokens top-p takes out those with lower ids first, as transformers' ascending sort does.</summary>
    /// <param name="logits">[lines, vocabulary] float32, contiguous, on the CPU.</param>
    /// <param name="lines">What is drawn; a line may be drawn from several times.</param>
    /// <param name="tokens">As many; filled with the tokens, -1 for a line that holds a NaN, -2 for one whose logits are all minus infinity.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are more tokens than lines, or fewer.</exception>
    /// <exception cref="TorchException">There is no such line, a temperature is not above 0, or the logits have another type or layout.</exception>
    public static void draw_lines(Tensor logits, ReadOnlySpan<DrawLine> lines, Span<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentOutOfRangeException.ThrowIfNotEqual(tokens.Length, lines.Length);
        Native.Check(Native.understudy_draw_lines(logits.Handle, lines, lines.Length, tokens));
    }

    /// <summary>The logarithm of the sum of the exponentials of each line; NaN for a line that holds one, infinite for one that holds nothing finite.</summary>
    /// <param name="logits">[at least as many lines, vocabulary] float32, contiguous, on the CPU.</param>
    /// <param name="sums">As many as lines are read; filled.</param>
    /// <exception cref="TorchException">Another type or layout, or fewer lines.</exception>
    public static void log_sum_exp_lines(Tensor logits, Span<double> sums)
    {
        ArgumentNullException.ThrowIfNull(logits);
        Native.Check(Native.understudy_log_sum_exp_lines(logits.Handle, sums.Length, sums));
    }
}
