using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Synthesis;

/// <summary>Which synthetic rows students may learn from. A row that a filter rejects stays in the rows file with that verdict and a reason.</summary>
/// <remarks>
/// Words are runs of letters, marks and digits in lower case; punctuation parts words, apostrophes do not; emoji and Chinese and
/// Japanese characters are a word each. Filters are asked in the order of
/// <see cref="Verdict"/>, and a row has the verdict of the first that rejects it.
/// </remarks>
public sealed record FilterOptions
{
    /// <summary>Whether the filters below are asked at all. Texts that cannot be parsed and rows beyond a label's quota are rejected either way.</summary>
    /// <value>The default value is true.</value>
    public bool Enabled { get; init; } = true;

    /// <summary>The least words of a text (of the first text of a pair), at least 0. Rows below have the verdict <c>too_short</c>.</summary>
    /// <value>The default value is 1.</value>
    public int MinWords { get; init; } = 1;

    /// <summary>The most words of a text (of both texts of a pair together), at least 1. Rows above have the verdict <c>too_long</c>.</summary>
    /// <value>The default value is null: no limit.</value>
    public int? MaxWords { get; init; }

    /// <summary>Whether texts that equal a validation or test text, or share <see cref="ContaminationNgram"/> words in a row with one, have the verdict <c>contaminated</c>.</summary>
    /// <value>The default value is true.</value>
    public bool Decontaminate { get; init; } = true;

    /// <summary>Words in a row that count as an overlap with a held-out text, at least 2. Texts with fewer words must be equal to overlap (Brown et al., arXiv 2005.14165, appendix C, used 13).</summary>
    /// <value>The default value is 8.</value>
    public int ContaminationNgram { get; init; } = 8;

    /// <summary>Whether a text with the same words as a seed or an earlier kept row has the verdict <c>duplicate</c>.</summary>
    /// <value>The default value is true.</value>
    public bool Duplicates { get; init; } = true;

    /// <summary>The Jaccard similarity of word 3-grams, above 0 and at most 1, from which a text repeats a seed or an earlier kept row: <c>near_duplicate</c>. Candidates are found by MinHash (Broder, 1997) and compared exactly.</summary>
    /// <value>The default value is 0.7; null switches the filter off.</value>
    public double? NearDuplicate { get; init; } = 0.7;

    /// <summary>The least probability, from 0 to 1, that the teacher gives the row's label: below it a row has the verdict <c>low_confidence</c>. Rows that the teacher did not score pass.</summary>
    /// <value>The default value is 0.</value>
    public double MinConfidence { get; init; }

    /// <summary>Whether a text to which the teacher gives another label than the one it was written for has the verdict <c>relabel_disagrees</c>.</summary>
    /// <value>The default value is true.</value>
    public bool RelabelDisagrees { get; init; } = true;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        AtLeast("min_words", MinWords, 0),
        AtLeast("max_words", MaxWords, 1),
        MaxWords < MinWords ? new OptionFault("max_words", $"expected at least min_words ({MinWords}), found {MaxWords}.") : null,
        AtLeast("contamination_ngram", ContaminationNgram, 2),
        AboveTo("near_duplicate", NearDuplicate, 0, 1),
        Between("min_confidence", MinConfidence, 0, 1));
}
