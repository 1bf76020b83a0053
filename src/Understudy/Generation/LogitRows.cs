using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Understudy.Torch;
using Tensor = Understudy.Torch.Tensor;

namespace Understudy.Generation;

/// <summary>
/// Lines of logits as single-precision numbers, whatever type the model computed in. A bfloat16 line is widened when it is read: converting the whole
/// tensor first would move it through memory twice. Lines may be read from several threads.
/// </summary>
internal sealed class LogitRows
{
    private readonly Tensor values;
    private readonly bool narrow;
    private readonly int vocabulary;

    /// <summary>Brings logits to the CPU where they are not there; what that makes belongs to the caller's dispose scope.</summary>
    /// <param name="logits">[lines, vocabulary].</param>
    public LogitRows(Tensor logits)
    {
        narrow = logits.dtype == ScalarType.BFloat16;
        values = logits.to(narrow ? ScalarType.BFloat16 : ScalarType.Float32, Device.CPU).contiguous();
        vocabulary = (int)values.size(-1);
        Count = (int)(values.numel() / vocabulary);
    }

    /// <summary>How many lines there are.</summary>
    public int Count { get; }

    /// <summary>Copies one line.</summary>
    /// <param name="line">Its number.</param>
    /// <param name="destination">As long as the vocabulary.</param>
    public void CopyTo(int line, Span<float> destination)
    {
        if (narrow) Widen(values.data<ushort>().Slice(line * vocabulary, vocabulary), destination);
        else values.data<float>().Slice(line * vocabulary, vocabulary).CopyTo(destination);
    }

    /// <summary>The logarithm of the sum of the exponentials; NaN or infinite when a logit is.</summary>
    public static double LogSumExp(ReadOnlySpan<float> row)
    {
        const int block = 1024;
        Span<float> weights = stackalloc float[block];
        var max = TensorPrimitives.Max(row);
        var sum = 0.0;
        for (var from = 0; from < row.Length; from += block)
        {
            var part = weights[..Math.Min(block, row.Length - from)];
            TensorPrimitives.Subtract(row.Slice(from, part.Length), max, part);
            TensorPrimitives.Exp(part, part);
            sum += FixedOrderSum.Of(part);
        }

        return max + Math.Log(sum);
    }

    /// <summary>A bfloat16 is the upper half of a float.</summary>
    internal static void Widen(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        var sources = MemoryMarshal.Cast<ushort, Vector128<ushort>>(source);
        var widened = MemoryMarshal.Cast<float, Vector256<uint>>(destination);
        for (var i = 0; i < sources.Length; i++) widened[i] = Vector256.ShiftLeft(Vector256.WidenLower(sources[i].ToVector256Unsafe()), 16);
        for (var i = sources.Length * Vector128<ushort>.Count; i < source.Length; i++) destination[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }
}
