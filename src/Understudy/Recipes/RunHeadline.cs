using Understudy.Evaluation;

namespace Understudy.Recipes;

/// <summary>A line of a run's headline table: the teacher, or a student on an arm, the mean over the repeats.</summary>
/// <param name="Model">The student's name, or <c>teacher</c>.</param>
/// <param name="TrainedOn">The arm.</param>
/// <param name="TrainRows">Rows it was trained on.</param>
/// <param name="Repeats">Trainings that the line is the mean of.</param>
/// <param name="Accuracy">Mean accuracy on the test rows; null without test rows.</param>
/// <param name="Interval">The 95% interval of <paramref name="Accuracy"/>: Wilson's with one training (how sure the figure is, given so many test rows), Student's t with several (what other seeds might have given), cut off at 0 and 1.</param>
/// <param name="MacroF1">Mean macro-F1.</param>
/// <param name="Comparison">The arm against the student's <c>seeds_only</c>; null for <c>seeds_only</c> itself and for the teacher, which each student's sentence compares with it.</param>
public sealed record HeadlineRow(string Model, string TrainedOn, int TrainRows, int Repeats, double? Accuracy, ConfidenceInterval? Interval, double? MacroF1, ArmComparison? Comparison);

/// <summary>What a run came to, in a few lines: the same in the terminal and in the report.</summary>
public static class RunHeadline
{
    /// <summary>The table: the teacher first, then each student on each arm.</summary>
    public static IReadOnlyList<HeadlineRow> Rows(RunResult result)
    {
        var rows = new List<HeadlineRow>();
        if (result.Teacher is { } teacher)
        {
            rows.Add(new(ArmComparison.TeacherArm, Distill.NameOf(RunArm.SeedsOnly), result.Seeds, 1, teacher.Accuracy, teacher.AccuracyInterval, teacher.MacroF1, null));
        }

        foreach (var arm in result.Arms.GroupBy(arm => (arm.Student, arm.Arm)))
        {
            var tests = arm.Select(one => one.Test).OfType<EvaluationResult>().ToArray();
            rows.Add(new(
                arm.Key.Student, arm.Key.Arm, arm.First().TrainRows, arm.Count(),
                tests.Length == 0 ? null : tests.Average(test => test.Accuracy), Interval(tests), tests.Length == 0 ? null : tests.Average(test => test.MacroF1),
                result.Comparisons.FirstOrDefault(one => one.Student == arm.Key.Student && one.Arm == arm.Key.Arm)));
        }

        return rows;
    }

    /// <summary>For each student, which arms helped, which hurt, and which made no difference beyond noise; nothing for a student with nothing to compare.</summary>
    public static IReadOnlyList<string> Sentences(RunResult result)
    {
        if (result.Arms.Count > 0 && result.Arms.All(arm => arm.Test is null))
        {
            return ["There are no test rows, so nothing says which model is better. Name some in 'data.test', or hold some out with 'data.split.test'."];
        }

        var sentences = new List<string>();
        foreach (var student in result.Arms.GroupBy(arm => arm.Student))
        {
            var arms = result.Comparisons.Where(one => one.Student == student.Key && one.Arm != ArmComparison.TeacherArm).Select(one => Clause(one, HasNothingMore(result, one.Arm))).ToArray();
            var teacher = result.Comparisons.FirstOrDefault(one => one.Student == student.Key && one.Arm == ArmComparison.TeacherArm);
            if (arms.Length > 0 || teacher is not null)
            {
                sentences.Add($"{student.Key}: {string.Join("; ", [.. arms, .. teacher is null ? [] : new[] { TeacherClause(teacher) }])}.");
            }
            else if (student.All(arm => arm.Arm != Distill.NameOf(RunArm.SeedsOnly)))
            {
                sentences.Add($"{student.Key}: nothing says whether its arms helped, since 'arms' lacks seeds_only.");
            }
        }

        return sentences;
    }

    /// <summary>What the differences and p-values of the table are; null when it has none.</summary>
    public static string? Legend(RunResult result)
    {
        if (result.Comparisons.Count == 0)
        {
            return null;
        }

        var rows = result.Arms.First(arm => arm.Test is not null).Test!.Rows;
        var repeats = result.Comparisons.Max(one => one.Repeats);
        return repeats == 1
            ? $"Differences are to seeds_only, in points of accuracy; p is McNemar's exact test over {rows:N0} test rows. One training each: other seeds may give other figures."
            : $"Differences are to seeds_only, in points of accuracy; p is the larger of two paired t tests, over {rows:N0} test rows and over {repeats} repeats. Intervals of students are Student's t over their repeats: where other seeds may lie, not other test rows.";
    }

    /// <summary>The interval of the mean accuracy of some trainings; null without any.</summary>
    internal static ConfidenceInterval? Interval(IReadOnlyList<EvaluationResult> tests)
    {
        if (tests.Count < 2)
        {
            return tests.Count == 0 ? null : tests[0].AccuracyInterval;
        }

        return MeanInterval([.. tests.Select(test => test.Accuracy)]);
    }

    /// <summary>Student's t interval of a mean of at least two accuracies, cut off at 0 and 1.</summary>
    internal static ConfidenceInterval MeanInterval(IReadOnlyList<double> accuracies)
    {
        var interval = ConfidenceInterval.OfMean(accuracies);
        return new(Math.Max(0, interval.Lower), Math.Min(1, interval.Upper));
    }

    // Of a run that was read from its stages it may not be known.
    private static bool HasNothingMore(RunResult result, string arm) =>
        (arm == Distill.NameOf(RunArm.Generated) || result.Annotated is { Kept: 0 }) && (arm == Distill.NameOf(RunArm.Annotated) || result.Generated is { Kept: 0 });

    private static string Clause(ArmComparison one, bool hasNothingMore) =>
        hasNothingMore ? $"{one.Arm} has no synthetic rows, since none was kept, so it is seeds_only again ({Figures(one)})"
        : one.IsSignificant ? $"{one.Arm} {(one.Difference > 0 ? "helped" : "hurt")} ({Figures(one)})"
        : $"{one.Arm} made no difference beyond noise ({Figures(one)})";

    private static string TeacherClause(ArmComparison one) => one.IsSignificant
        ? $"the teacher is {(one.Difference > 0 ? "better" : "worse")} than seeds_only ({Figures(one)})"
        : $"the teacher does not differ from seeds_only beyond noise ({Figures(one)})";

    private static string Figures(ArmComparison one) => $"{FigureText.Points(one.Difference)} points, {FigureText.PClause(one.P)}";
}
