namespace Understudy.Generation;

/// <summary>
/// Keeps the tokens whose surprise is nearest to the expected surprise, until their probabilities reach a mass (Meister et al., arXiv 2202.00666).
/// The most probable token may be among those dropped.
/// </summary>
public sealed class TypicalLogitsWarper : ILogitsProcessor
{
    private readonly double mass;

    /// <summary>A processor that keeps a probability mass above 0 and below 1.</summary>
    public TypicalLogitsWarper(double mass)
    {
        if (!(mass > 0 && mass < 1)) throw new ArgumentOutOfRangeException(nameof(mass), mass, "Expected a probability above 0 and below 1.");
        this.mass = mass;
    }

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
    {
        var weights = scratch.Weights(logits, out var max, out var total);
        var logTotal = max + (float)Math.Log(total);
        var entropy = (float)Entropy(logits, weights, logTotal, total);
        var keys = scratch.Keys(logits.Length);
        for (var i = 0; i < logits.Length; i++) keys[i] = Math.Abs(logTotal - logits[i] - entropy);

        var (key, _) = MassSelection.Find(keys, weights, mass * total, scratch);
        for (var i = 0; i < logits.Length; i++)
        {
            if (keys[i] > key) logits[i] = float.NegativeInfinity;
        }
    }

    /// <summary>The entropy of the distribution in nats; forbidden tokens add nothing.</summary>
    internal static double Entropy(ReadOnlySpan<float> logits, ReadOnlySpan<float> weights, float logTotal, double total)
    {
        var sum = 0.0;
        for (var i = 0; i < logits.Length; i++)
        {
            if (weights[i] > 0) sum += weights[i] * (double)(logTotal - logits[i]);
        }

        return sum / total;
    }
}
