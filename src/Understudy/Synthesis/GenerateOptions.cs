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

    /// <summary>Texts generated from one prompt, whose whole pages of 16 tokens are computed once; at least 1.</summary>
    /// <value>The default value is 8.</value>
    public int SamplesPerPrompt { get; init; } = 8;

    /// <summary>How tokens are chosen.</summary>
    /// <value>The default value is sampling with temperature 1 and top-p 0.95, at most 48 tokens, ended by a line break.</value>
    public SamplingOptions Sampling { get; init; } = new() { TopP = 0.95, MaxNewTokens = 48, StopStrings = ["\n"] };

    /// <summary>Whether the teacher labels the texts that it wrote, as it annotates: its doubts are then kept with the row and the filters can ask about them, or its label replaces the one asked for.</summary>
    /// <value>The default value is check.</value>
    public RelabelMode Relabel { get; init; } = RelabelMode.Check;

    /// <summary>Whether students learn from the teacher's whole distribution over the labels, where it labelled the text again, instead of the row's label.</summary>
    /// <value>The default value is true.</value>
    public bool SoftLabels { get; init; } = true;

    /// <summary>Which written rows students may learn from; those rejected do not count for a label's quota. A changed filter reuses what the teacher wrote.</summary>
    /// <value>The default value is every filter at its own default.</value>
    public FilterOptions Filters { get; init; } = new();

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
        .. Filters.Validate().Select(fault => fault.Under("filters")),
    ];
}
