using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Rotary position embedding over the first part of every head, halves layout (Su et al., arXiv 2104.09864; layout of GPT-NeoX).</summary>
public sealed class RotaryEmbedding : IDisposable
{
    private readonly int rotated;
    private readonly Tensor cosines;
    private readonly Tensor sines;

    /// <summary>Tables for the positions from 0.</summary>
    /// <param name="dimensions">Rotary dimensions as configured, at least 0; they set the wavelengths. An odd number rotates one number more, as the reference does.</param>
    /// <param name="theta">Base of the wavelengths.</param>
    /// <param name="positions">How many positions.</param>
    /// <param name="device">Where the tables are.</param>
    /// <param name="frequencyType">Type that the frequencies are rounded to: float32, or the 16-bit type of a model that was converted as a whole.</param>
    public RotaryEmbedding(int dimensions, double theta, int positions, Device device, ScalarType frequencyType = ScalarType.Float32)
    {
        var half = (dimensions + 1) / 2;
        rotated = 2 * half;
        var cosine = new float[(long)positions * rotated];
        var sine = new float[(long)positions * rotated];
        var frequencies = Frequencies(half, dimensions, theta, frequencyType);
        for (var i = 0; i < half; i++)
        {
            // The reference keeps the frequency and the angle in float32.
            var frequency = frequencies[i];
            for (var p = 0; p < positions; p++)
            {
                var angle = p * frequency;
                var at = ((long)p * rotated) + i;
                cosine[at] = cosine[at + half] = MathF.Cos(angle);
                sine[at] = sine[at + half] = MathF.Sin(angle);
            }
        }

        using var scope = torch.NewDisposeScope();
        cosines = DisposeScope.Detach(torch.tensor(cosine, positions, rotated).to(device));
        sines = DisposeScope.Detach(torch.tensor(sine, positions, rotated).to(device));
    }

    /// <summary>The rows of the tables for some positions.</summary>
    /// <param name="positions">[batch, tokens] int64; null for <paramref name="count"/> positions from <paramref name="first"/> on.</param>
    /// <param name="first">First position when <paramref name="positions"/> is null.</param>
    /// <param name="count">Number of positions when <paramref name="positions"/> is null.</param>
    /// <returns>Cosines and sines, [batch or 1, 1, tokens, rotated].</returns>
    public (Tensor Cosine, Tensor Sine) At(Tensor? positions, long first, long count)
    {
        if (positions is null)
        {
            return (cosines.narrow(0, first, count).view(1, 1, count, rotated), sines.narrow(0, first, count).view(1, 1, count, rotated));
        }

        return (nn.functional.embedding(positions, cosines).unsqueeze(1), nn.functional.embedding(positions, sines).unsqueeze(1));
    }

    private static float[] Frequencies(int half, int dimensions, double theta, ScalarType type)
    {
        using var scope = torch.NewDisposeScope();
        // Rounded to float32 after every operation, as the reference does: at the last position a rounding of the frequency
        // is an angle many times larger.
        var rounded = Enumerable.Range(0, half).Select(i => 1f / (float)Math.Pow(theta, 2f * i / dimensions)).ToArray();
        return torch.tensor(rounded).to(type).to(ScalarType.Float32).ToArray<float>();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        cosines.Dispose();
        sines.Dispose();
    }
}
