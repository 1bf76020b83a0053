using System.Numerics.Tensors;

namespace Understudy.Generation;

/// <summary>
/// Buffers that sampling reuses from call to call: after the first call with a vocabulary nothing is allocated. Not thread-safe; one for each thread.
/// </summary>
public sealed class SamplingScratch
{
    /// <summary>Buckets of <see cref="MassSelection"/>.</summary>
    internal const int BucketCount = 2048;

    private float[] weights = [];
    private float[] keys = [];
    private float[] candidateKeys = [];
    private int[] candidates = [];
    private int[] marks = [];
    private int mark;

    /// <summary>The probability mass in each bucket.</summary>
    internal double[] Buckets { get; } = new double[BucketCount];

    /// <summary>A buffer for sort keys of as many tokens as asked for; its contents are undefined.</summary>
    internal Span<float> Keys(int count) => Grown(ref keys, count);

    /// <summary>A buffer for the keys of a part of the vocabulary; its contents are undefined.</summary>
    internal Span<float> CandidateKeys(int count) => Grown(ref candidateKeys, count);

    /// <summary>A buffer for the ids of a part of the vocabulary; its contents are undefined.</summary>
    internal Span<int> Candidates(int count) => Grown(ref candidates, count);

    /// <summary>
    /// The exponential of every logit minus the largest one: 1 for the most probable token, 0 for a forbidden one. The span is the scratch's own and
    /// holds until the next call.
    /// </summary>
    /// <param name="logits">At least one of them finite, none NaN.</param>
    /// <param name="max">The largest logit.</param>
    /// <param name="total">The sum of the weights: a token's probability is its weight over this.</param>
    internal ReadOnlySpan<float> Weights(ReadOnlySpan<float> logits, out float max, out double total)
    {
        var all = Grown(ref weights, logits.Length);
        max = TensorPrimitives.Max(logits);
        TensorPrimitives.Subtract(logits, max, all);
        TensorPrimitives.Exp(all, all);
        total = FixedOrderSum.Of(all);
        return all;
    }

    /// <summary>True the first time a token is given since <see cref="ForgetSeen"/>.</summary>
    internal bool FirstSeen(int token)
    {
        if (marks[token] == mark) return false;
        marks[token] = mark;
        return true;
    }

    /// <summary>Starts a new set of seen tokens below <paramref name="vocabulary"/>.</summary>
    internal void ForgetSeen(int vocabulary)
    {
        if (marks.Length < vocabulary || mark == int.MaxValue) (marks, mark) = (new int[vocabulary], 0);
        mark++;
    }

    private static Span<T> Grown<T>(ref T[] buffer, int count)
    {
        if (buffer.Length < count) buffer = new T[count];
        return buffer.AsSpan(0, count);
    }
}
