using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Understudy.Generation;

/// <summary>
/// A sum whose order does not depend on the width of the machine's vectors, so that a draw falls on the same token everywhere.
/// </summary>
internal static class FixedOrderSum
{
    /// <summary>The sum of single-precision values in double precision.</summary>
    public static double Of(ReadOnlySpan<float> values)
    {
        var even = Vector256<double>.Zero;
        var odd = Vector256<double>.Zero;
        var vectors = MemoryMarshal.Cast<float, Vector256<float>>(values);
        foreach (var vector in vectors)
        {
            var (lower, upper) = Vector256.Widen(vector);
            even += lower;
            odd += upper;
        }

        var sums = even + odd;
        var sum = sums[0] + sums[1] + (sums[2] + sums[3]);
        for (var i = vectors.Length * Vector256<float>.Count; i < values.Length; i++) sum += values[i];
        return sum;
    }
}
