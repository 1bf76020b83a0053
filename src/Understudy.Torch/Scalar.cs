using System.Runtime.InteropServices;

namespace Understudy.Torch;

/// <summary>A number on its way into libtorch; it keeps whether it was an integer, because libtorch's type promotion depends on it.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Scalar : IEquatable<Scalar>
{
    private readonly long bits;
    private readonly int kind;

    private Scalar(long bits, int kind)
    {
        this.bits = bits;
        this.kind = kind;
    }

    /// <summary>An integer.</summary>
    public static implicit operator Scalar(long value) => new(value, 0);

    /// <summary>An integer.</summary>
    public static implicit operator Scalar(int value) => new(value, 0);

    /// <summary>A floating-point number.</summary>
    public static implicit operator Scalar(double value) => new(BitConverter.DoubleToInt64Bits(value), 1);

    /// <summary>A floating-point number.</summary>
    public static implicit operator Scalar(float value) => new(BitConverter.DoubleToInt64Bits(value), 1);

    /// <summary>A truth value.</summary>
    public static implicit operator Scalar(bool value) => new(value ? 1 : 0, 2);

    /// <inheritdoc/>
    public bool Equals(Scalar other) => bits == other.bits && kind == other.kind;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Scalar other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(bits, kind);

    /// <summary>Same kind and same value.</summary>
    public static bool operator ==(Scalar left, Scalar right) => left.Equals(right);

    /// <summary>Another kind or another value.</summary>
    public static bool operator !=(Scalar left, Scalar right) => !left.Equals(right);
}
