using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>Type of a model's weights in memory.</summary>
public enum WeightType
{
    /// <summary>32-bit floating point.</summary>
    Float32,

    /// <summary>16-bit floating point with the range of float32: half the memory, 8 bits of precision.</summary>
    Bfloat16,
}

/// <summary>What libtorch calls a <see cref="WeightType"/>.</summary>
internal static class WeightTypeExtensions
{
    internal static ScalarType ToScalarType(this WeightType type) => type == WeightType.Bfloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
}
