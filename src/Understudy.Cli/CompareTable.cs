using System.Text;
using Understudy.Recipes;

namespace Understudy.Cli;

/// <summary>Runs side by side as plain text: the runs, the settings that differ, the arms, the means over the runs.</summary>
internal static class CompareTable
{
    private const int LongestValue = 40;

    public static string Of(CompareResult result)
    {
        // Names may be the same; letters are not.
        string[] letters = [.. result.Runs.Select((_, i) => i < 26 ? $"{(char)('A' + i)}" : $"{i + 1}")];
        var text = new StringBuilder(TextTable.Of(
        [
            ["run", "name", "folder", "seed", "seeds", "test rows"],
            .. result.Runs.Select((run, i) => new[] { letters[i], run.Name, run.Folder, run.Seed, $"{run.Seeds}", run.TestRows == 0 ? "" : $"{run.TestRows}" }),
        ], texts: 3));
        text.Append('\n').Append(result.Settings.Count == 0
            ? "The run files say the same, but for 'name' and 'output'.\n"
            : TextTable.Of([["setting", .. letters], .. result.Settings.Select(Setting)], texts: 1 + letters.Length));
        text.Append('\n').Append(TextTable.Of([Heads(letters), .. result.Arms.Select(Arm)], texts: 2));
        text.Append(result.SameTestRows switch
        {
            true => $"Differences are to {letters[0]}, in points of accuracy, with a paired bootstrap interval over the test rows; p is McNemar's exact test, with several repeats a paired t test over the rows. Neither says what other training seeds would give.\n",
            false => "The runs were measured on different test rows, so no test pairs their rows.\n",
            null => "A run has no predictions in its folder, so no test pairs the runs' rows.\n",
        });
        if (result.OverRuns.Count > 0)
        {
            text.Append('\n').Append(TextTable.Of(
            [
                ["model", "trained on", $"mean of {result.Runs.Count}", "95% interval", "to seeds_only", "95% interval", "p"],
                .. result.OverRuns.Select(Mean),
            ], texts: 2));
            text.Append($"The runs differ in their seed alone: intervals are Student's t over {result.Runs.Count} runs, p is the paired t test against seeds_only.\n");
        }
        return text.ToString();
    }

    private static string[] Heads(string[] letters) =>
    [
        "model", "trained on", letters[0], "95% interval",
        .. letters.Skip(1).SelectMany(letter => new[] { letter, "95% interval", $"{letter} - {letters[0]}", "95% interval", "p" }),
    ];

    private static string[] Arm(ComparedArm arm) =>
    [
        arm.Model, arm.TrainedOn,
        .. arm.Runs.SelectMany((run, i) => (string[])
        [
            FigureText.Percent(run?.Accuracy), FigureText.Percent(run?.Interval),
            .. i == 0 ? (string[])[] : [FigureText.Points(run?.ToFirst?.Difference), FigureText.Points(run?.ToFirst?.Interval), FigureText.PValue(run?.ToFirst?.P)],
        ]),
    ];

    private static string[] Mean(ArmOverRuns arm) =>
    [
        arm.Model, arm.TrainedOn, FigureText.Percent(arm.Mean), FigureText.Percent(arm.Interval),
        FigureText.Points(arm.ToSeedsOnly), FigureText.Points(arm.ToSeedsOnlyInterval), FigureText.PValue(arm.PairedTP),
    ];

    private static string[] Setting(SettingDifference setting) =>
        [setting.Key, .. setting.Values.Select(value => value is null ? "-" : value.Length > LongestValue ? $"...{value[^(LongestValue - 3)..]}" : value)];
}
