using Understudy.Data;
using Understudy.Generation;
using static Understudy.Data.OptionBounds;

namespace Understudy.Synthesis;

/// <summary>How a teacher writes new labelled texts: label by label, until each has its quota.</summary>
public sealed record GenerateOptions
{
    /// <summary>Rows to keep for each label, at least 1.</summary>
    /// <value>The default value is 50.</value>
    public int PerLabel { get; init; } = 50;

    /// <summary>Texts generated for a label before it is given up, as a multiple of <see cref="PerLabel"/>; at least 1.</summary>
    /// <value>The default value is 4.</value>
    public double MaxAttempts { get; init; } = 4;

    /// <summary>Seeds of the label shown as examples in the prompt, at least 0; different ones in every prompt.</summary>
    /// <value>The default value is 0.</value>
    public int SeedsInPrompt { get; init; }

    /// <summary>Texts generated from one prompt, which is computed once; at least 1.</summary>
    /// <value>The default value is 8.</value>
    public int SamplesPerPrompt { get; init; } = 8;

    /// <summary>How tokens are chosen.</summary>
    /// <value>The default value is sampling with temperature 1 and top-p 0.95, at most 48 tokens, ended by a line break.</value>
    public SamplingOptions Sampling { get; init; } = new() { TopP = 0.95, MaxNewTokens = 48, StopStrings = ["\n"] };

    /// <summary>Texts generated at once, at least 1.</summary>
    /// <value>The default value is 32.</value>
    [NotInFingerprint]
    public int BatchSize { get; init; } = 32;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() =>
    [
        .. Faults(
            AtLeast("per_label", PerLabel, 1),
            AtLeast("max_attempts", MaxAttempts, 1),
            AtLeast("seeds_in_prompt", SeedsInPrompt, 0),
            AtLeast("samples_per_prompt", SamplesPerPrompt, 1),
            AtLeast("batch_size", BatchSize, 1)),
        .. Sampling.Validate().Select(fault => fault.Under("sampling")),
    ];
}
