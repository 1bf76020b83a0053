using System.Numerics.Tensors;

namespace Understudy.Generation;

/// <summary>Divides the logits by a temperature: below 1 sharpens the distribution, above 1 flattens it.</summary>
public sealed class TemperatureLogitsWarper : ILogitsProcessor
{
    // Beyond these, logits divided by a temperature are infinite or all 0 in float32, and what is forbidden is no number.
    private const double Coldest = 1e-30, Hottest = 1e30;

    private readonly float temperature;

    /// <summary>A processor for a temperature above 0. Below 1e-30 it is the most probable token that remains, above 1e30 all tokens are alike; neither end is passed.</summary>
    public TemperatureLogitsWarper(double temperature)
    {
        if (!(temperature > 0)) throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "Expected a temperature above 0. For the most probable token at every step, do not sample.");
        this.temperature = (float)Math.Clamp(temperature, Coldest, Hottest);
    }

    /// <summary>What the logits are divided by.</summary>
    internal float Temperature => temperature;

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch) => TensorPrimitives.Divide(logits, temperature, logits);
}
