using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Understudy.Data;

/// <summary>
/// A random number generator whose sequence depends on its seed alone: not on the machine, the .NET version or the
/// culture. xoshiro256** 1.0 (Blackman and Vigna, 2018), its state filled by SplitMix64 from the seed.
/// </summary>
/// <remarks>Not thread-safe and not for secrets. Give each consumer its own stream with <see cref="Fork(string)"/>.</remarks>
public sealed class SeededRandom
{
    private ulong s0, s1, s2, s3;

    /// <summary>A generator for <paramref name="seed"/>; equal seeds give equal sequences.</summary>
    public SeededRandom(long seed)
    {
        Seed = seed;
        var splitMix = unchecked((ulong)seed);
        s0 = SplitMix64(ref splitMix);
        s1 = SplitMix64(ref splitMix);
        s2 = SplitMix64(ref splitMix);
        s3 = SplitMix64(ref splitMix);
    }

    private SeededRandom(long seed, ReadOnlySpan<ulong> state)
    {
        Seed = seed;
        (s0, s1, s2, s3) = (state[0], state[1], state[2], state[3]);
    }

    /// <summary>The seed this generator started from.</summary>
    public long Seed { get; }

    /// <summary>
    /// An independent generator for the purpose <paramref name="name"/>. It depends on this generator's seed and on the
    /// name, not on how many numbers were drawn before, so a new consumer does not change the numbers of the others.
    /// </summary>
    public SeededRandom Fork(string name)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{Seed}\n{name}"), digest);
        return new SeededRandom(BinaryPrimitives.ReadInt64LittleEndian(digest));
    }

    /// <summary>An independent generator for item <paramref name="index"/> of the purpose <paramref name="name"/>, for example row 17 of "sampling".</summary>
    public SeededRandom Fork(string name, long index) => Fork($"{name}\n{index}");

    /// <summary>The next 64 random bits.</summary>
    public ulong NextUInt64()
    {
        var result = BitOperations.RotateLeft(s1 * 5, 7) * 9;
        var t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = BitOperations.RotateLeft(s3, 45);
        return result;
    }

    /// <summary>A whole number from 0 to <paramref name="bound"/> - 1, each equally likely.</summary>
    /// <param name="bound">At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is below 1.</exception>
    public int NextInt(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        return (int)NextBelow((ulong)bound);
    }

    /// <summary>A whole number from 0 to <paramref name="bound"/> - 1, each equally likely.</summary>
    /// <param name="bound">At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is below 1.</exception>
    public long NextLong(long bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        return (long)NextBelow((ulong)bound);
    }

    /// <summary>A number in [0, 1), a multiple of 2^-53.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Puts <paramref name="items"/> into a random order, every order equally likely (Fisher-Yates, from the end).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = NextInt(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>The numbers 0 to <paramref name="count"/> - 1 in a random order.</summary>
    /// <param name="count">At least 0.</param>
    public int[] Permutation(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var order = new int[count];
        for (var i = 0; i < count; i++)
            order[i] = i;
        Shuffle<int>(order);
        return order;
    }

    /// <summary>The four words of state, for a checkpoint; <see cref="Restore"/> continues from them.</summary>
    public ulong[] Save() => [s0, s1, s2, s3];

    /// <summary>A generator that continues where the one that gave <paramref name="state"/> stood.</summary>
    /// <param name="seed">The seed of the saved generator (forks depend on it).</param>
    /// <param name="state">Four words as <see cref="Save"/> returned them; not all zero.</param>
    /// <exception cref="ArgumentException"><paramref name="state"/> does not have four words, or all are zero.</exception>
    public static SeededRandom Restore(long seed, ReadOnlySpan<ulong> state)
    {
        if (state.Length != 4 || (state[0] | state[1] | state[2] | state[3]) == 0)
            throw new ArgumentException($"A saved generator state has four words that are not all zero; found {state.Length} word(s).", nameof(state));
        return new SeededRandom(seed, state);
    }

    // Lemire's multiply-and-reject: unbiased, and one multiplication in the usual case.
    private ulong NextBelow(ulong bound)
    {
        var high = Math.BigMul(NextUInt64(), bound, out var low);
        if (low < bound)
        {
            var threshold = unchecked(0UL - bound) % bound;
            while (low < threshold)
                high = Math.BigMul(NextUInt64(), bound, out low);
        }
        return high;
    }

    private static ulong SplitMix64(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15UL;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
