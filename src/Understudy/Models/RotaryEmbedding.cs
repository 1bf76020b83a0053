using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Rotary position embedding over the first part of every head, halves layout (Su et al., arXiv 2104.09864; layout of GPT-NeoX).</summary>
public sealed class RotaryEmbedding : IDisposable
{
    private readonly int dimensions;
    private readonly Tensor cosines;
    private readonly Tensor sines;

    /// <summary>Tables for the positions from 0.</summary>
    /// <param name="dimensions">How many numbers of a head are rotated, even.</param>
    /// <param name="theta">Base of the wavelengths.</param>
    /// <param name="positions">How many positions.</param>
    /// <param name="device">Where the tables are.</param>
    public RotaryEmbedding(int dimensions, double theta, int positions, Device device)
    {
        this.dimensions = dimensions;
        var half = dimensions / 2;
        var cosine = new float[(long)positions * dimensions];
        var sine = new float[(long)positions * dimensions];
        for (var i = 0; i < half; i++)
        {
            // The reference keeps the frequency and the angle in float32.
            var frequency = (float)(1.0 / Math.Pow(theta, 2.0 * i / dimensions));
            for (var p = 0; p < positions; p++)
            {
                var angle = p * frequency;
                var at = (long)p * dimensions + i;
                cosine[at] = cosine[at + half] = MathF.Cos(angle);
                sine[at] = sine[at + half] = MathF.Sin(angle);
            }
        }

        using var scope = torch.NewDisposeScope();
        cosines = DisposeScope.Detach(torch.tensor(cosine, positions, dimensions).to(device));
        sines = DisposeScope.Detach(torch.tensor(sine, positions, dimensions).to(device));
    }

    /// <summary>The rows of the tables for some positions.</summary>
    /// <param name="positions">[batch, tokens] int64; null for <paramref name="count"/> positions from <paramref name="first"/> on.</param>
    /// <param name="first">First position when <paramref name="positions"/> is null.</param>
    /// <param name="count">Number of positions when <paramref name="positions"/> is null.</param>
    /// <returns>Cosines and sines, [batch or 1, 1, tokens, dimensions].</returns>
    public (Tensor Cosine, Tensor Sine) At(Tensor? positions, long first, long count)
    {
        if (positions is null)
        {
            return (cosines.narrow(0, first, count).view(1, 1, count, dimensions), sines.narrow(0, first, count).view(1, 1, count, dimensions));
        }

        return (nn.functional.embedding(positions, cosines).unsqueeze(1), nn.functional.embedding(positions, sines).unsqueeze(1));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        cosines.Dispose();
        sines.Dispose();
    }
}
