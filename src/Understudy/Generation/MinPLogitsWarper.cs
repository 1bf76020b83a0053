using System.Numerics.Tensors;

namespace Understudy.Generation;

/// <summary>Keeps the tokens with at least a given share of the most probable token's probability (Nguyen et al., arXiv 2407.01082).</summary>
public sealed class MinPLogitsWarper : ILogitsProcessor
{
    private readonly float distance;

    /// <summary>A processor for a share from 0 to 1.</summary>
    public MinPLogitsWarper(double minP)
    {
        if (!(minP >= 0 && minP <= 1)) throw new ArgumentOutOfRangeException(nameof(minP), minP, "Expected a share from 0 to 1.");
        distance = (float)-Math.Log(minP);
    }

    /// <summary>The least share of the most probable token's probability.</summary>
    internal float MinP => MathF.Exp(-distance);

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
    {
        var threshold = TensorPrimitives.Max(logits) - distance;
        foreach (ref var logit in logits)
        {
            if (logit < threshold) logit = float.NegativeInfinity;
        }
    }
}
