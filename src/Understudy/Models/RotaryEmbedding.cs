using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Rotary position embedding over the first part of every head, halves layout (Su et al., arXiv 2104.09864; layout of GPT-NeoX). Not thread-safe.</summary>
public sealed class RotaryEmbedding : IDisposable
{
    // Tables grow as rows do: for all the positions of a long-context model they would be larger than a small model.
    private const int FirstPositions = 512;

    private readonly RopeParameters rope;
    private readonly int dimensions;
    private readonly Device device;
    private readonly ScalarType frequencyType;
    private Tensor? cosines;
    private Tensor? sines;
    private int rowLength;

    /// <summary>Tables for the positions from 0, made when they are needed.</summary>
    /// <param name="rope">Base of the wavelengths and how they are scaled.</param>
    /// <param name="dimensions">Rotary dimensions as configured, at least 0; they set the wavelengths. An odd number rotates one number more, as the reference does.</param>
    /// <param name="device">Where the tables are.</param>
    /// <param name="frequencyType">Type that the frequencies are rounded to: float32, or the 16-bit type of a model that was converted as a whole.</param>
    public RotaryEmbedding(RopeParameters rope, int dimensions, Device device, ScalarType frequencyType = ScalarType.Float32)
    {
        ArgumentNullException.ThrowIfNull(rope);
        ArgumentOutOfRangeException.ThrowIfNegative(dimensions);
        (this.rope, this.dimensions, this.device, this.frequencyType) = (rope, dimensions, device, frequencyType);
    }

    /// <summary>The rows of the tables for some positions.</summary>
    /// <param name="positions">[batch, tokens] int64; null for <paramref name="count"/> positions from <paramref name="first"/> on.</param>
    /// <param name="first">First position when <paramref name="positions"/> is null.</param>
    /// <param name="count">Number of positions when <paramref name="positions"/> is null.</param>
    /// <param name="counted">Whether <paramref name="positions"/> count the tokens of a row, so that none reaches <paramref name="first"/> + <paramref name="count"/>.</param>
    /// <returns>Cosines and sines, [batch or 1, 1, tokens, rotated].</returns>
    public (Tensor Cosine, Tensor Sine) At(Tensor? positions, long first, long count, bool counted = false)
    {
        var length = positions is null || (counted && rope.Type != RopeType.Dynamic) ? first + count : Longest(positions);
        Reach((int)length);
        if (positions is null)
        {
            using var scope = torch.NewDisposeScope();
            return (scope.MoveToOuter(Rows(cosines!, first, count)), scope.MoveToOuter(Rows(sines!, first, count)));
        }

        using var inner = torch.NewDisposeScope();
        return (inner.MoveToOuter(nn.functional.embedding(positions, cosines!).unsqueeze(1)), inner.MoveToOuter(nn.functional.embedding(positions, sines!).unsqueeze(1)));
    }

    /// <summary>Whether a position has the same angles in rows of every length.</summary>
    internal bool IsFixed => rope.Type != RopeType.Dynamic;

    /// <summary>Whether anything is rotated.</summary>
    internal bool IsEmpty => dimensions == 0;

    /// <summary>The tables for the positions from 0, at least so many.</summary>
    /// <returns>[positions, rotated]; they belong to this object.</returns>
    internal (Tensor Cosines, Tensor Sines) Tables(int length)
    {
        Reach(length);
        return (cosines!, sines!);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        cosines?.Dispose();
        sines?.Dispose();
        cosines = sines = null;
    }

    private static Tensor Rows(Tensor table, long first, long count) => table.narrow(0, first, count).view(1, 1, count, table.size(1));

    private static long Longest(Tensor positions)
    {
        using var scope = torch.NewDisposeScope();
        return positions.max().item<long>() + 1;
    }

    /// <summary>Makes tables that hold this many positions.</summary>
    private void Reach(int length)
    {
        // Beyond the trained length, dynamic scaling has other wavelengths for every length.
        var effective = rope.Type == RopeType.Dynamic ? Math.Max(length, rope.OriginalMaxPositionEmbeddings) : 0;
        if (cosines is not null && cosines.size(0) >= length && effective == rowLength) return;

        var positions = (int)Math.Max(FirstPositions, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length));
        var frequencies = Rounded(rope.Frequencies(dimensions, effective));
        var half = frequencies.Length;
        var scale = (float)rope.Scale;
        var cosine = new float[(long)positions * 2 * half];
        var sine = new float[(long)positions * 2 * half];
        for (var p = 0; p < positions; p++)
        {
            for (var i = 0; i < half; i++)
            {
                // The reference keeps the frequency and the angle in float32.
                var angle = p * frequencies[i];
                var at = ((long)p * 2 * half) + i;
                cosine[at] = cosine[at + half] = MathF.Cos(angle) * scale;
                sine[at] = sine[at + half] = MathF.Sin(angle) * scale;
            }
        }

        Dispose();
        using var scope = torch.NewDisposeScope();
        cosines = DisposeScope.Detach(torch.tensor(cosine, positions, 2 * half).to(device));
        sines = DisposeScope.Detach(torch.tensor(sine, positions, 2 * half).to(device));
        rowLength = effective;
    }

    private float[] Rounded(float[] frequencies)
    {
        using var scope = torch.NewDisposeScope();
        return torch.tensor(frequencies).to(frequencyType).to(ScalarType.Float32).ToArray<float>();
    }
}
