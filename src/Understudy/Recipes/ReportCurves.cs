using Understudy.Reports;

namespace Understudy.Recipes;

/// <summary>The report's learning curves.</summary>
internal static class ReportCurves
{
    private const int MostPoints = 160;

    /// <summary>A chart for every stage that logged one, the arms of a student over each other.</summary>
    /// <param name="page">Takes it.</param>
    /// <param name="records">The run.</param>
    /// <param name="pretraining">Whether the pre-training has a chart here, and no part of its own.</param>
    public static void Write(HtmlWriter page, RunRecords records, bool pretraining = true)
    {
        var curves = records.Curves;
        var students = curves.Select(pair => (Name: ArmSummary.Parse(pair.Key), Curves: pair.Value)).Where(one => one.Name is not null)
            .Select(one => (one.Name!.Value.Student, one.Name.Value.Arm, one.Name.Value.Repeat, one.Curves))
            .OrderBy(one => one.Student, StringComparer.Ordinal).ThenBy(one => one.Arm).ThenBy(one => one.Repeat).ToArray();
        List<Chart> charts = [];
        if (pretraining && curves.GetValueOrDefault("pretrain") is { } pretrain)
        {
            charts.Add(new("teacher, pre-training", "", "loss (nats per token)", [Curve("loss", pretrain.Loss, ArmSummary.TeacherColour), Curve("loss on held-out text", pretrain.HeldOut, 3)], false));
        }

        if (curves.GetValueOrDefault("tune") is { } tune)
        {
            charts.Add(new("teacher, tuning", "", "loss (nats per token)", [Curve("loss", tune.Loss, ArmSummary.TeacherColour)], false));
            charts.Add(new("teacher, tuning: validation", "", "accuracy", [Curve("accuracy", tune.Validation, ArmSummary.TeacherColour)], true));
        }

        var several = students.Select(one => one.Student).Distinct().Count() > 1;
        foreach (var student in students.GroupBy(one => one.Student))
        {
            var (colon, name) = several ? (", ", student.Key) : ("", "");
            charts.Add(new($"student{colon}", name, "loss (nats per row)", [.. student.Select(one => Curve(Title(one.Arm, one.Repeat), one.Curves.Loss, (int)one.Arm))], false));
            charts.Add(new($"student: validation{colon}", name, "accuracy", [.. student.Select(one => Curve(Title(one.Arm, one.Repeat), one.Curves.Validation, (int)one.Arm))], true));
        }

        charts.RemoveAll(chart => !chart.Curves.Any(curve => curve.Points.Any(point => double.IsFinite(point.Y))));
        if (charts.Count == 0)
        {
            page.Leaf("p", "No training has logged a loss yet.", ("class", "soft"));
            return;
        }

        page.Leaf("p", $"Loss by optimiser step, in nats, on straight scales. Of a curve with more than {MostPoints} points the means of {MostPoints} equal stretches are shown."
            + (pretraining && curves.GetValueOrDefault("pretrain")?.HeldOut.Count > 0 ? " The dot beside the pre-training is the loss on text held out from it." : ""), ("class", "soft"));
        Legend(page, [.. students.Select(one => one.Arm).Distinct().Order()]);
        using var grid = page.Open("div", ("class", "charts"));
        foreach (var chart in charts)
        {
            page.Line();
            using var figure = page.Open("figure");
            using (page.Open("figcaption"))
            using (page.Open("strong"))
            {
                page.Text(chart.Title);
                if (chart.Student.Length > 0)
                {
                    page.Foreign(chart.Student, 40);
                }
            }

            LineChart.Draw(page, $"{chart.YName}: {chart.Title}{VisibleText.Cut(chart.Student, 40)}", "optimiser step", chart.YName, chart.Curves, chart.Share);
        }
    }

    private static LineChartCurve Curve(string name, List<(double X, double Y)> points, int colour) => new(name, LineChart.Thinned(points, MostPoints), colour);

    private static string Title(RunArm arm, int repeat) => $"{ArmSummary.TitleOf(Distill.NameOf(arm))}, repeat {repeat}";

    private static void Legend(HtmlWriter page, RunArm[] arms)
    {
        if (arms.Length < 2)
        {
            return;
        }

        using var list = page.Open("ul", ("class", "legend"), ("aria-label", "Colours of the students' curves"));
        foreach (var arm in arms)
        {
            using (page.Open("li"))
            {
                using (page.Open("svg", ("viewBox", "0 0 30 10"), ("aria-hidden", "true")))
                {
                    page.Empty("line", ("class", $"curve s{(int)arm}"), ("x1", "1"), ("x2", "29"), ("y1", "5"), ("y2", "5"));
                }

                page.Text(ArmSummary.TitleOf(Distill.NameOf(arm)));
            }
        }
    }

    private sealed record Chart(string Title, string Student, string YName, IReadOnlyList<LineChartCurve> Curves, bool Share);
}
