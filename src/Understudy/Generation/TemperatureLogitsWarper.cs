using System.Numerics.Tensors;

namespace Understudy.Generation;

/// <summary>Divides the logits by a temperature: below 1 sharpens the distribution, above 1 flattens it.</summary>
public sealed class TemperatureLogitsWarper : ILogitsProcessor
{
    private readonly float temperature;

    /// <summary>A processor for a temperature above 0.</summary>
    public TemperatureLogitsWarper(double temperature)
    {
        if (!(temperature > 0)) throw new ArgumentOutOfRangeException(nameof(temperature), temperature, "Expected a temperature above 0. For the most probable token at every step, do not sample.");
        this.temperature = (float)temperature;
    }

    /// <summary>What the logits are divided by.</summary>
    internal float Temperature => temperature;

    /// <inheritdoc/>
    public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch) => TensorPrimitives.Divide(logits, temperature, logits);
}
