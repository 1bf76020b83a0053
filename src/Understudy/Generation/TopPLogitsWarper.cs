using System.Numerics.Tensors;

namespace Understudy.Generation;

/// <summary>Keeps the fewest most probable tokens whose probabilities reach a sum: nucleus sampling (Holtzman et al., arXiv 1904.09751).</summary>
public sealed class TopPLogitsWarper : ILogitsProcessor
{
    private readonly double topP;

    /// <summary>A processor that keeps a probability mass above 0 and at most 1.</summary>
    public TopPLogitsWarper(double topP)
    {
        if (!(topP > 0 && topP <= 1)) throw new ArgumentOutOfRangeException(nameof(topP), topP, "Expected a probability above 0 and at most 1.");
        this.topP = topP;
    }

    /// <summary>The mass that stays.</summary>
    internal double TopP => topP;

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
    {
        if (topP >= 1) return;
        var weights = scratch.Weights(logits, out var max, out var total);
        var keys = scratch.Keys(logits.Length);
        TensorPrimitives.Subtract(max, logits, keys);
        var (key, tieFrom) = MassSelection.Find(keys, weights, topP * total, scratch);
        for (var i = 0; i < logits.Length; i++)
        {
            // Among equally probable tokens the reference's ascending sort gives up those with lower ids first.
            if (keys[i] > key || (keys[i] == key && i < tieFrom)) logits[i] = float.NegativeInfinity;
        }
    }
}
