namespace Understudy.Training;

/// <summary>The arithmetic of forward and backward passes. Weights and optimiser state stay in fp32 either way.</summary>
public enum PrecisionMode
{
    /// <summary>32-bit floating point throughout.</summary>
    Fp32,

    /// <summary>Autocast: matrix products in bfloat16, reductions (softmax, norms, losses) in fp32. No loss scaling is needed.</summary>
    Bf16,
}
