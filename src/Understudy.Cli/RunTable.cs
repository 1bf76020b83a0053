using Understudy.Recipes;

namespace Understudy.Cli;

/// <summary>The outcome of a run as a table of plain text.</summary>
internal static class RunTable
{
    private static readonly string[] Heads = ["model", "trained on", "rows", "accuracy", "95% interval", "macro-F1", "to seeds_only", "p"];

    /// <summary>One line for the teacher, one for each student on each arm, the mean over the repeats; then a sentence for each student.</summary>
    /// <param name="result">The run's result.</param>
    /// <param name="folder">The run folder, named below the table.</param>
    public static string Of(RunResult result, string folder)
    {
        var rows = RunHeadline.Rows(result).Select(row => new[]
        {
            row.Model, row.TrainedOn, $"{row.TrainRows}", FigureText.Percent(row.Accuracy), FigureText.Percent(row.Interval), FigureText.Percent(row.MacroF1),
            FigureText.Points(row.Comparison?.Difference), FigureText.PValue(row.Comparison?.P),
        });
        string?[] below = [.. RunHeadline.Sentences(result), RunHeadline.Legend(result), folder];
        return TextTable.Of([Heads, .. rows], texts: 2) + string.Join('\n', below.OfType<string>());
    }
}
