namespace Understudy.Generation;

/// <summary>
/// Drops tokens less probable than a threshold, but never the most probable one (Hewitt et al., arXiv 2210.15191): a fixed threshold (epsilon
/// sampling), or one that sinks with the entropy of the distribution (eta sampling).
/// </summary>
public sealed class CutoffLogitsWarper : ILogitsProcessor
{
    private readonly double epsilon;
    private readonly bool adaptive;

    private CutoffLogitsWarper(double epsilon, bool adaptive)
    {
        if (!(epsilon > 0 && epsilon < 1)) throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, "Expected a probability above 0 and below 1.");
        (this.epsilon, this.adaptive) = (epsilon, adaptive);
    }

    /// <summary>Drops tokens with a probability below <paramref name="epsilon"/>, which lies between 0 and 1.</summary>
    public static CutoffLogitsWarper Epsilon(double epsilon) => new(epsilon, adaptive: false);

    /// <summary>Drops tokens with a probability below min(epsilon, sqrt(epsilon) * exp(-entropy)); <paramref name="epsilon"/> lies between 0 and 1.</summary>
    public static CutoffLogitsWarper Eta(double epsilon) => new(epsilon, adaptive: true);

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
    {
        var weights = scratch.Weights(logits, out var max, out var total);
        var threshold = epsilon;
        if (adaptive)
        {
            var entropy = TypicalLogitsWarper.Entropy(logits, weights, max + (float)Math.Log(total), total);
            threshold = Math.Min(epsilon, Math.Sqrt(epsilon) * Math.Exp(-entropy));
        }

        var weight = threshold * total;
        for (var i = 0; i < logits.Length; i++)
        {
            if (weights[i] < weight && logits[i] < max) logits[i] = float.NegativeInfinity;
        }
    }
}
