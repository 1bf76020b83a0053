using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>What is hidden from a masked language model; chosen anew every time a text comes (Liu et al., arXiv 1907.11692).</summary>
public sealed record MaskingOptions
{
    /// <summary>The share of the tokens that are to be told, above 0 and below 1.</summary>
    /// <value>The default value is 0.2.</value>
    public double Probability { get; init; } = 0.2;

    /// <summary>Whether all tokens of a word are chosen together.</summary>
    /// <value>The default value is true.</value>
    public bool WholeWord { get; init; } = true;

    /// <summary>The share of the chosen words that the mask token replaces, from 0 to 1.</summary>
    /// <value>The default value is 0.8.</value>
    public double MaskShare { get; init; } = 0.8;

    /// <summary>The share of the chosen words whose tokens random ones replace, from 0 to 1; the rest stays as it is.</summary>
    /// <value>The default value is 0.1.</value>
    public double RandomShare { get; init; } = 0.1;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        AboveToBelow("probability", Probability, 0, 1),
        Between("mask_share", MaskShare, 0, 1),
        Between("random_share", RandomShare, 0, 1),
        MaskShare + RandomShare > 1 + 1e-9 ? new OptionFault("random_share", $"expected at most 1 together with 'mask_share', found {MaskShare + RandomShare}.") : null);
}
