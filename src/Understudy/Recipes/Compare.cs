using Understudy.Evaluation;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>Puts finished runs side by side.</summary>
public static class Compare
{
    /// <summary>Compares runs; differences are to the first one.</summary>
    /// <param name="folders">At least two run folders.</param>
    /// <param name="options">How often to resample for the intervals of differences.</param>
    /// <exception cref="InvalidDataException">One is no run folder or has no result, one is given twice, or they were measured on different test rows although more than their seed differs.</exception>
    public static CompareResult Run(IReadOnlyList<string> folders, EvaluationOptions options)
    {
        if (folders.Count < 2)
        {
            throw new InvalidDataException($"Expected at least two run folders to compare, found {folders.Count}.");
        }

        if (folders.GroupBy(folder => Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new InvalidDataException($"The run folder '{twice.First()}' was given twice. Compare it with another one.");
        }

        var runs = folders.Select(FinishedRun.Read).ToArray();
        var settings = Differences(runs);
        var seeds = runs.Select(run => run.Setting("seed")).Distinct().Count();
        var seedAlone = seeds == runs.Length && settings.All(setting => setting.Key == "seed" || !setting.CanChangeResults);
        var same = SameTestRows(runs, mayDiffer: seedAlone);
        var arms = Arms(runs, same == true, options);
        return new CompareResult(
            [.. runs.Select(run => new ComparedRun(run.Folder, run.Setting("name"), run.Setting("seed"), run.Result.Seeds, run.TestRows))],
            settings, same, arms, seedAlone ? OverRuns(arms) : []);
    }

    private static List<SettingDifference> Differences(FinishedRun[] runs) =>
    [
        .. from key in runs.SelectMany(run => run.Settings.Keys).Distinct().Order(StringComparer.Ordinal)
           where key is not ("name" or "output")
           let values = runs.Select(run => run.Settings.GetValueOrDefault(key)).ToArray()
           where values.Distinct().Count() > 1
           select new SettingDifference(key, values, FlatSettings.CanChangeResults(typeof(RunOptions), key)),
    ];

    // Runs of different seeds may hold out different rows and still be repeats of one experiment; other runs would be
    // compared by figures that do not compare.
    private static bool? SameTestRows(FinishedRun[] runs, bool mayDiffer)
    {
        var labels = runs.Select(run => run.TestLabels()).ToArray();
        if (labels.Contains(null))
        {
            return null;
        }

        for (var i = 1; i < runs.Length; i++)
        {
            var (first, other) = (labels[0]!, labels[i]!);
            var shared = first.Count(row => other.TryGetValue(row.Key, out var label) && label == row.Value);
            if (shared == first.Count && shared == other.Count)
            {
                continue;
            }

            return mayDiffer ? false : throw new InvalidDataException(
                $"The runs '{runs[0].Folder}' and '{runs[i].Folder}' were measured on different test rows: of {first.Count:N0} and {other.Count:N0} ids, {shared:N0} are shared with the same label. "
                + "Figures on different rows do not compare; give both runs the same 'data.test', or the same 'data.split' and 'seed'.");
        }

        return true;
    }

    private static List<ComparedArm> Arms(FinishedRun[] runs, bool sameRows, EvaluationOptions options)
    {
        var arms = new List<ComparedArm>();
        foreach (var (model, trainedOn) in runs.SelectMany(run => RunHeadline.Rows(run.Result)).Select(row => (row.Model, row.TrainedOn)).Distinct())
        {
            var rows = runs.Select(run => RunHeadline.Rows(run.Result).FirstOrDefault(row => row.Model == model && row.TrainedOn == trainedOn)).ToArray();
            var first = sameRows && rows[0] is not null ? runs[0].RightShares(model, trainedOn) : null;
            arms.Add(new ComparedArm(model, trainedOn,
            [
                .. rows.Select((row, i) => row is null ? null : new ComparedFigure(row.Repeats, row.Accuracy, row.Interval,
                    i == 0 || row.Accuracy is null || rows[0]?.Accuracy is not { } start ? null
                        : Difference(row.Accuracy.Value - start, first, first is null ? null : runs[i].RightShares(model, trainedOn), options))),
            ]));
        }

        return arms;
    }

    private static RunDifference Difference(double difference, IReadOnlyDictionary<string, double>? first, IReadOnlyDictionary<string, double>? other, EvaluationOptions options)
    {
        // Only the first predictions of each run have been looked at; a repeat's may have been exchanged.
        if (first is null || other is null || first.Count != other.Count || !first.Keys.All(other.ContainsKey))
        {
            return new RunDifference(difference, null, null);
        }

        // In the order of the ids, so that the resamples do not depend on the order of the files.
        double[] byRow = [.. first.OrderBy(row => row.Key, StringComparer.Ordinal).Select(row => other[row.Key] - row.Value)];
        return new RunDifference(
            difference,
            options.BootstrapResamples == 0 ? null : Bootstrap.OfMean(byRow, options.BootstrapResamples, EvaluationResult.Resamples(1)),
            SignificanceTests.OverRows(byRow));
    }

    private static List<ArmOverRuns> OverRuns(List<ComparedArm> arms)
    {
        var means = new List<ArmOverRuns>();
        foreach (var arm in arms)
        {
            if (Accuracies(arm) is not { } own)
            {
                continue;
            }

            var seedsOnly = Distill.NameOf(RunArm.SeedsOnly);
            var baseline = arm.TrainedOn == seedsOnly ? null : arms.FirstOrDefault(one => one.Model == arm.Model && one.TrainedOn == seedsOnly);
            double[]? differences = baseline is not null && Accuracies(baseline) is { } others ? [.. own.Zip(others, (a, b) => a - b)] : null;
            means.Add(new ArmOverRuns(
                arm.Model, arm.TrainedOn, own.Average(), RunHeadline.MeanInterval(own),
                differences?.Average(), differences is null ? null : ConfidenceInterval.OfMean(differences), differences is null ? null : SignificanceTests.PairedT(differences)));
        }

        return means;

        static double[]? Accuracies(ComparedArm arm) => arm.Runs.All(run => run?.Accuracy is not null) ? [.. arm.Runs.Select(run => run!.Accuracy!.Value)] : null;
    }
}
