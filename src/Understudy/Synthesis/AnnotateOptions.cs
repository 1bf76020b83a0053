using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Synthesis;

/// <summary>How a teacher labels unlabelled text: every label is scored after the prompt, so the result is a distribution.</summary>
public sealed record AnnotateOptions
{
    /// <summary>Rows of the unlabelled pool to label, chosen at random with the run's seed; at least 1.</summary>
    /// <value>The default value is null: all of them.</value>
    public int? MaxRows { get; init; }

    /// <summary>Whether students learn from the whole distribution over the labels instead of the most probable one.</summary>
    /// <value>The default value is true.</value>
    public bool SoftLabels { get; init; } = true;

    /// <summary>Whether a label's log-probability is divided by its number of tokens, so that long labels are not at a disadvantage.</summary>
    /// <value>The default value is false.</value>
    public bool LengthNormalize { get; init; }

    /// <summary>Whether the score of each label after a content-free prompt is taken off, against a preference for labels whatever the text (Zhao et al., arXiv 2102.09690).</summary>
    /// <value>The default value is false.</value>
    public bool Calibrate { get; init; }

    /// <summary>Which labelled rows students may learn from. A changed filter does not have the teacher score the rows again.</summary>
    /// <value>The default value is every filter at its own default.</value>
    public FilterOptions Filters { get; init; } = new();

    /// <summary>Rows scored at once, at least 1.</summary>
    /// <value>The default value is 32.</value>
    [NotInFingerprint]
    public int BatchSize { get; init; } = 32;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() =>
    [
        .. Faults(AtLeast("max_rows", MaxRows, 1), AtLeast("batch_size", BatchSize, 1)),
        .. Filters.Validate().Select(fault => fault.Under("filters")),
    ];
}
