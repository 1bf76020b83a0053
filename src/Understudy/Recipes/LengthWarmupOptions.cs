using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>Documents are cut into short pieces at the beginning of a pre-training, which grow to whole rows (Li et al., "The Stability-Efficiency Dilemma", arXiv 2108.06084).</summary>
public sealed record LengthWarmupOptions
{
    /// <summary>The most tokens of a piece at the first step, at least 8.</summary>
    /// <value>The default value is 64.</value>
    public int From { get; init; } = 64;

    /// <summary>The share of all steps over which pieces grow to a whole row, from 0 to 1.</summary>
    /// <value>The default value is 0.1.</value>
    public double Ratio { get; init; } = 0.1;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(AtLeast("from", From, 8), Between("ratio", Ratio, 0, 1));

    /// <summary>The most tokens of a piece at a step: in a straight line, in multiples of 8.</summary>
    internal int At(int step, int totalSteps, int rowLength)
    {
        var share = Ratio > 0 ? Math.Min(1, step / (Ratio * totalSteps)) : 1;
        return share >= 1 || rowLength <= From ? rowLength : (int)(From + ((rowLength - From) * share)) / 8 * 8;
    }
}
