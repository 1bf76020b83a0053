using Understudy.Torch;

namespace Understudy.Training;

/// <summary>Rows of token ids as a model takes them.</summary>
/// <param name="Ids">[rows, tokens] int64.</param>
/// <param name="Mask">[rows, tokens] int64, 1 = a real token; null when all rows are equally long.</param>
public sealed record TokenBatch(Tensor Ids, Tensor? Mask);

/// <summary>
/// Rows of token ids of different lengths laid out as one batch, still without a tensor: made on any thread, turned into tensors on the thread that
/// computes. How a batch is laid out is decided here alone.
/// </summary>
public sealed class TokenLayout
{
    private readonly int[] lengths;
    private readonly bool left;
    private readonly long[] ids;
    private readonly long[]? mask;

    private TokenLayout(int[] lengths, int columns, bool left, long[] ids, long[]? mask) =>
        (this.lengths, Columns, this.left, this.ids, this.mask) = (lengths, columns, left, ids, mask);

    /// <summary>Number of rows.</summary>
    public int Rows => lengths.Length;

    /// <summary>Tokens of the longest row, to which the others are padded.</summary>
    public int Columns { get; }

    /// <summary>Real tokens, padding not counted.</summary>
    public long Tokens => lengths.Sum(length => (long)length);

    /// <summary>Pads rows to the longest of them.</summary>
    /// <param name="rows">At least one row of at least one token.</param>
    /// <param name="padding">Id that fills the rest.</param>
    /// <param name="left">Whether the rest is in front, as generation needs it.</param>
    public static TokenLayout Of(IReadOnlyList<int[]> rows, int padding, bool left = false)
    {
        ArgumentNullException.ThrowIfNull(rows);
        int[] lengths = [.. rows.Select(row => row.Length)];
        var columns = lengths.Max();
        var mask = lengths.All(length => length == columns) ? null : new long[rows.Count * columns];
        var layout = new TokenLayout(lengths, columns, left, new long[rows.Count * columns], mask);
        Array.Fill(layout.ids, padding);
        for (var r = 0; r < rows.Count; r++)
        {
            var start = layout.Start(r);
            for (var t = 0; t < rows[r].Length; t++)
            {
                layout.ids[start + t] = rows[r][t];
            }

            if (mask is not null)
            {
                Array.Fill(mask, 1, start, rows[r].Length);
            }
        }

        return layout;
    }

    /// <summary>Lays a number for each token out as the tokens are.</summary>
    /// <param name="rows">As many rows as the batch has, each as long as its tokens.</param>
    /// <param name="padding">Number that fills the rest.</param>
    /// <returns>For <see cref="To{TNumber}"/>.</returns>
    public TNumber[] Beside<TNumber>(IReadOnlyList<TNumber[]> rows, TNumber padding)
        where TNumber : unmanaged
    {
        ArgumentNullException.ThrowIfNull(rows);
        var numbers = new TNumber[ids.Length];
        Array.Fill(numbers, padding);
        for (var r = 0; r < rows.Count; r++)
        {
            rows[r].CopyTo(numbers, Start(r));
        }

        return numbers;
    }

    /// <summary>The batch as tensors of this thread's dispose scope.</summary>
    /// <param name="device">Where they are put; the CPU when null.</param>
    public TokenBatch To(Device? device = null) => new(To(ids, device), mask is null ? null : To(mask, device));

    /// <summary>What <see cref="Beside"/> laid out, as a tensor of this thread's dispose scope.</summary>
    /// <param name="numbers">One for each place of the batch.</param>
    /// <param name="device">Where it is put; the CPU when null.</param>
    /// <returns>[rows, tokens].</returns>
    public Tensor To<TNumber>(TNumber[] numbers, Device? device = null)
        where TNumber : unmanaged
    {
        var tensor = torch.tensor(numbers, Rows, Columns);
        return device is null or { type: DeviceType.CPU } ? tensor : tensor.to(device);
    }

    private int Start(int row) => (row * Columns) + (left ? Columns - lengths[row] : 0);
}
