using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>How the text is spoilt that an encoder-decoder restores: text infilling and sentence permutation (Lewis et al., arXiv 1910.13461).</summary>
public sealed record DenoisingOptions
{
    /// <summary>The share of the words that are taken out in spans, each replaced by one mask token; from 0 to below 1.</summary>
    /// <value>The default value is 0.3.</value>
    public double MaskRatio { get; init; } = 0.3;

    /// <summary>The mean of the Poisson distribution of the spans' lengths in words, above 0; a span of no words only puts a mask in.</summary>
    /// <value>The default value is 3.</value>
    public double PoissonLambda { get; init; } = 3;

    /// <summary>Whether the sentences of a text change places.</summary>
    /// <value>The default value is true.</value>
    public bool PermuteSentences { get; init; } = true;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        FromToBelow("mask_ratio", MaskRatio, 0, 1),
        MoreThan("poisson_lambda", PoissonLambda, 0));
}
