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
        var (longest, full) = (rows.Max(row => row.Length), rows.All(row => row.Length == rows[0].Length));
        var ids = new long[rows.Count * longest];
        var mask = full ? [] : new long[ids.Length];
        Array.Fill(ids, padding);
        for (var r = 0; r < rows.Count; r++)
        {
            var start = (r * longest) + (left ? longest - rows[r].Length : 0);
            for (var t = 0; t < rows[r].Length; t++)
            {
                ids[start + t] = rows[r][t];
            }

            if (!full)
            {
                Array.Fill(mask, 1, start, rows[r].Length);
            }
        }

        return (Place(ids, rows.Count, longest, device), full ? null : Place(mask, rows.Count, longest, device));
    }

    /// <summary>Pads numbers per token on the right.</summary>
    /// <param name="rows">One number for each token.</param>
    /// <param name="padding">Number that fills the rest.</param>
    /// <param name="device">Where the tensor is put; the CPU when null.</param>
    /// <returns>[rows, longest] float32.</returns>
    public static Tensor Pad(IReadOnlyList<float[]> rows, float padding, Device? device = null)
    {
        var longest = rows.Max(row => row.Length);
        var values = new float[rows.Count * longest];
        Array.Fill(values, padding);
        for (var r = 0; r < rows.Count; r++)
        {
            rows[r].CopyTo(values, r * longest);
        }

        return Place(values, rows.Count, longest, device);
    }

    private static Tensor Place<T>(T[] values, long rows, long columns, Device? device)
        where T : unmanaged
    {
        var tensor = torch.tensor(values, rows, columns);
        return device is null or { type: DeviceType.CPU } ? tensor : tensor.to(device);
    }
}
