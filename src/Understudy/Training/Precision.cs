using Understudy.Torch;

namespace Understudy.Training;

/// <summary>The arithmetic that a <see cref="PrecisionMode"/> stands for.</summary>
public static class Precision
{
    /// <summary>Autocast for a mode, until disposed; null for float32.</summary>
    public static Autocast? Autocast(PrecisionMode mode, Device device) =>
        mode == PrecisionMode.Bf16 ? torch.autocast(ScalarType.BFloat16, device) : null;
}
