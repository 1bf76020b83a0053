using System.Globalization;
using System.Text;
using Understudy.Evaluation;
using Understudy.Recipes;

namespace Understudy.Cli;

/// <summary>The outcome of a run as a table of plain text.</summary>
internal static class RunTable
{
    private static readonly string[] Heads = ["model", "trained on", "rows", "accuracy", "95% interval", "macro-F1"];

    /// <summary>One line for the teacher, one for each student on each arm, the mean over the repeats.</summary>
    /// <param name="result">The run's result.</param>
    /// <param name="folder">The run folder, named below the table.</param>
    public static string Of(RunResult result, string folder)
    {
        var lines = new List<string[]> { Heads };
        if (result.Teacher is { } teacher)
            lines.Add(["teacher", "seeds_only", $"{result.Seeds}", Percent(teacher.Accuracy), Interval([teacher]), Percent(teacher.MacroF1)]);
        foreach (var arm in result.Arms.GroupBy(arm => (arm.Student, arm.Arm)))
        {
            var tests = arm.Select(one => one.Test).OfType<EvaluationResult>().ToArray();
            string[] figures = tests.Length == 0 ? ["", "", ""] : [Percent(tests.Average(test => test.Accuracy)), Interval(tests), Percent(tests.Average(test => test.MacroF1))];
            lines.Add([arm.Key.Student, arm.Key.Arm, $"{arm.First().TrainRows}", .. figures]);
        }
        var text = new StringBuilder();
        var widths = Heads.Select((_, column) => lines.Max(line => line[column].Length)).ToArray();
        foreach (var line in lines)
            text.AppendJoin("  ", line.Select((cell, column) => column < 2 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).Append('\n');
        return text.Append(folder).ToString();
    }

    // One training: how sure the figure is, given so many test rows. Several: how much they differ.
    private static string Interval(EvaluationResult[] tests)
    {
        var interval = tests.Length > 1
            ? ConfidenceInterval.OfMean([.. tests.Select(test => test.Accuracy)])
            : tests[0].AccuracyInterval;
        return $"{Percent(interval.Lower)}-{Percent(interval.Upper)}";
    }

    private static string Percent(double share) => (100 * share).ToString("0.0", CultureInfo.InvariantCulture) + "%";
}
