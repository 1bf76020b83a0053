using Understudy.Reports;
using static Understudy.Reports.NumberText;

namespace Understudy.Recipes;

/// <summary>The report's headline, and the arms against each other.</summary>
internal static class ReportArms
{
    private const int NameLength = 60;

    /// <summary>One sentence: the best student, how good it is, and whether the synthetic rows helped.</summary>
    public static void Headline(HtmlWriter page, RunResult result, IReadOnlyList<ArmSummary> arms)
    {
        using var line = page.Open("p", ("class", "headline"));
        if (Best(arms) is not { } best)
        {
            page.Text(result.Arms.Count > 0 ? "The students were trained, but there are no test rows to measure them on." : "No student has been measured yet.");
            return;
        }

        page.Text("The student");
        Student(page, best, arms);
        page.Text($" trained on {(best.IsSeedsOnly ? "the seeds alone" : best.ArmTitle)} gets {Percent(best.Accuracy)} of the test rows right (95% interval {PercentRange(best.Interval.Lower, best.Interval.Upper)})");
        page.Text(Verdict(best, arms));
    }

    /// <summary>The chart and the table.</summary>
    public static void Write(HtmlWriter page, RunResult result, IReadOnlyList<ArmSummary> arms)
    {
        if (arms.Count == 0 && result.Teacher is null)
        {
            page.Leaf("p", "Nothing has been measured yet.", ("class", "soft"));
            return;
        }

        page.Leaf("p", Explanation(result, arms), ("class", "soft"));
        var students = arms.Select(arm => arm.Student).Distinct().ToArray();
        List<IntervalChartValue> values = [.. arms.Select(arm => new IntervalChartValue(students.Length > 1 ? $"{VisibleText.Cut(arm.Student, 24)}: {arm.ArmTitle}" : arm.ArmTitle, arm.Accuracy, arm.Interval.Lower, arm.Interval.Upper, arm.Colour))];
        if (result.Teacher is { } teacher)
        {
            values.Insert(0, new("teacher", teacher.Accuracy, teacher.AccuracyInterval.Lower, teacher.AccuracyInterval.Upper, ArmSummary.TeacherColour));
        }

        using (page.Open("figure"))
        {
            page.Leaf("figcaption", $"Test accuracy with its 95% interval{(result.Teacher is null ? "" : "; the dashed line is the teacher")}.");
            IntervalChart.Draw(page, "Test accuracy of the teacher and of every student on every arm", "accuracy on the test rows", values, result.Teacher?.Accuracy);
        }

        Table(page, result, arms);
    }

    /// <summary>The student's name in a sentence, where there are several.</summary>
    internal static void Student(HtmlWriter page, ArmSummary arm, IReadOnlyList<ArmSummary> arms)
    {
        if (arms.Any(other => other.Student != arm.Student))
        {
            page.Text(" “");
            page.Foreign(arm.Student, NameLength);
            page.Text("”");
        }
    }

    /// <summary>The arm with the highest accuracy; the first of equals.</summary>
    internal static ArmSummary? Best(IEnumerable<ArmSummary> arms) => arms.MaxBy(arm => arm.Accuracy);

    private static string Verdict(ArmSummary best, IReadOnlyList<ArmSummary> arms)
    {
        var seeds = arms.FirstOrDefault(arm => arm.IsSeedsOnly && arm.Student == best.Student);
        var others = arms.Count(arm => !arm.IsSeedsOnly);
        return best.IsSeedsOnly ? others > 0 ? "; no arm with synthetic rows does better." : "."
            : seeds is null ? ". There is no arm seeds_only to compare it with."
            : best.Comparison is not { } comparison ? $", against {Percent(seeds.Accuracy)} from the seeds alone; whether that is more than noise was not tested."
            : $", against {Percent(seeds.Accuracy)} from the seeds alone: {Points(comparison.Difference)} points, {(comparison.IsSignificant ? "beyond noise" : "no difference beyond noise")} ({FigureText.PClause(comparison.P)}).";
    }

    private static string Explanation(RunResult result, IReadOnlyList<ArmSummary> arms)
    {
        var rows = arms.Count > 0 ? arms[0].Tests[0].Rows : result.Teacher!.Rows;
        var repeats = arms.Count == 0 ? 1 : arms.Max(arm => arm.Tests.Count);
        return $"{Count(result.Seeds)} seeds, {Count(rows)} test rows. "
            + (arms.Count == 0 ? "The teacher's interval (Wilson) says how much other test rows might change its figure."
                : repeats > 1
                ? $"Each student was trained {repeats} times on each arm, each time with another seed: figures are means, and their intervals (Student's t) say how much trainings differ."
                : "Each student was trained once on each arm: the intervals (Wilson) say how much other test rows might change the figure, not how much another training might.")
            + (arms.Any(arm => arm.Comparison is not null)
                ? $" An arm differs from the seeds alone beyond noise when p is below {ArmComparison.Level}: {(repeats > 1 ? "the larger of two paired t tests, over the rows and over the repeats" : "McNemar's exact test over the rows")}. Each p-value stands for one comparison; the best of several arms looks better than it is."
                : "");
    }

    private static void Table(HtmlWriter page, RunResult result, IReadOnlyList<ArmSummary> arms)
    {
        var best = Best(arms);
        string[] heads = ["model", "trained on", "#rows", "#accuracy", "#95% interval", "#macro-F1"];
        var compared = result.Comparisons.Count > 0;
        using var table = new HtmlTable(page, "Every model on the test rows; the best student is marked.", "arms", compared ? [.. heads, "#points over seeds only", "#p", "verdict"] : heads);
        if (result.Teacher is { } teacher)
        {
            using (table.Row())
            {
                table.Head("teacher");
                table.Cell("seeds only");
                table.Number(Count(result.Seeds));
                table.Number(Percent(teacher.Accuracy));
                table.Number(PercentRange(teacher.AccuracyInterval.Lower, teacher.AccuracyInterval.Upper));
                table.Number(Percent(teacher.MacroF1));
                if (compared)
                {
                    // With several students there are as many figures to compare the teacher with.
                    var students = arms.Select(arm => arm.Student).Distinct().Count();
                    Compared(table, students == 1 ? result.Comparisons.FirstOrDefault(one => one.Arm == ArmComparison.TeacherArm) : null, "");
                }
            }
        }

        foreach (var arm in arms)
        {
            using (table.Row(arm == best ? "best" : ""))
            {
                table.ForeignHead(arm.Student);
                table.Foreign(arm.ArmTitle, NameLength);
                table.Number(arm.TrainRows > 0 ? Count(arm.TrainRows) : "–");
                table.Number(Percent(arm.Accuracy));
                table.Number(PercentRange(arm.Interval.Lower, arm.Interval.Upper));
                table.Number(Percent(arm.MacroF1));
                if (compared)
                {
                    Compared(table, arm.Comparison, arm.IsSeedsOnly ? "baseline" : "");
                }
            }
        }
    }

    private static void Compared(HtmlTable table, ArmComparison? comparison, string otherwise)
    {
        table.Number(comparison is null ? "" : Points(comparison.Difference) + (comparison.Interval is { } interval ? $" ({Points(interval.Lower)} to {Points(interval.Upper)})" : ""));
        table.Number(comparison is null ? "" : P(comparison.P));
        table.Cell(comparison is null ? otherwise : !comparison.IsSignificant ? "no difference beyond noise" : comparison.Difference > 0 ? "better" : "worse");
    }
}
