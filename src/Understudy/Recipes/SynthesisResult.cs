using Understudy.Synthesis;

namespace Understudy.Recipes;

/// <summary>What the synthesis of rows came to.</summary>
/// <param name="Rows">Rows made, kept or not.</param>
/// <param name="Verdicts">How many rows have each verdict that occurs, by its name, in the order of the filters.</param>
/// <param name="Accuracy">Share of right labels among all rows whose true label is known but hidden; null when none is.</param>
/// <param name="KeptAccuracy">The same among the kept rows.</param>
public sealed record SynthesisResult(int Rows, IReadOnlyDictionary<string, int> Verdicts, double? Accuracy, double? KeptAccuracy)
{
    /// <summary>Rows that students learn from.</summary>
    public int Kept => Verdicts.GetValueOrDefault(Verdict.Kept.Name());

    /// <summary>Counts rows.</summary>
    /// <param name="rows">All rows of a mode.</param>
    /// <param name="hiddenLabels">True labels by row id, where they are known.</param>
    internal static SynthesisResult Of(IReadOnlyList<SyntheticRow> rows, IReadOnlyDictionary<string, string> hiddenLabels)
    {
        var known = rows.Where(row => hiddenLabels.ContainsKey(row.Id)).ToList();
        return new SynthesisResult(
            rows.Count,
            rows.GroupBy(row => row.Verdict).OrderBy(group => group.Key).ToDictionary(group => group.Key.Name(), group => group.Count()),
            Right(known),
            Right([.. known.Where(row => row.Verdict == Verdict.Kept)]));

        double? Right(IReadOnlyCollection<SyntheticRow> some) => some.Count == 0 ? null : (double)some.Count(row => row.Label == hiddenLabels[row.Id]) / some.Count;
    }

    /// <summary>The counts in words.</summary>
    internal string InWords() =>
        $"{Rows:N0} rows{(Rows == 0 ? "" : ": ")}{string.Join(", ", Verdicts.Select(pair => $"{pair.Value:N0} {pair.Key.Replace('_', ' ')}"))}"
        + (Accuracy is { } all ? $"; {FigureText.Percent(all)} of the known labels are right{(KeptAccuracy is { } kept ? $", {FigureText.Percent(kept)} of those kept" : "")}" : "");
}
