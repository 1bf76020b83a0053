namespace Understudy.Generation;

/// <summary>Faults that every scheduler finds.</summary>
internal static class EngineFaults
{
    /// <summary>The model's logits are not numbers.</summary>
    internal static InvalidDataException NoNumbers() =>
        new("The model's logits are not numbers (NaN or infinite). Its weights are damaged or its training diverged; take an earlier checkpoint.");

    /// <summary>Scoring was asked of an encoder-decoder.</summary>
    internal static ArgumentException NoScoring() => new("Labels are scored by causal models alone; this is an encoder-decoder.");
}
