using Understudy.Torch;

namespace Understudy.Training;

/// <summary>Rows of token ids of different lengths as one padded tensor with its mask.</summary>
public static class TokenRows
{
    /// <summary>Pads rows to the longest of them.</summary>
    /// <param name="rows">At least one row of at least one token.</param>
    /// <param name="padding">Id that fills the rest.</param>
    /// <param name="left">Whether the rest is in front, as generation needs it.</param>
    /// <param name="device">Where the tensors are put; the CPU when null.</param>
    /// <returns>Ids [rows, longest] int64; mask of the same shape, 1 = a real token, or null when all rows are equally long.</returns>
    public static (Tensor Ids, Tensor? Mask) Pad(IReadOnlyList<int[]> rows, int padding, bool left = false, Device? device = null)
    {
        var batch = TokenLayout.Of(rows, padding, left).To(device);
        return (batch.Ids, batch.Mask);
    }
}
