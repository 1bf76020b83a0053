using System.Globalization;
using Understudy.Reports;
using static Understudy.Reports.NumberText;

namespace Understudy.Recipes;

/// <summary>The report's tables of labels: how well each is found, and which are taken for each other.</summary>
internal static class ReportLabels
{
    // With more labels the matrix is too large to be read at a glance.
    private const int FewLabels = 30, MostPairs = 30, Shades = 5;

    /// <summary>Precision, recall and F1 of every label: the seeds alone beside the best arm.</summary>
    public static void PerLabel(HtmlWriter page, IReadOnlyList<ArmSummary> arms)
    {
        // Where the seeds alone are best, the best of the other arms is what they are to be compared with.
        var best = ReportArms.Best(arms.Where(arm => !arm.IsSeedsOnly)) ?? ReportArms.Best(arms);
        if (best is null)
        {
            page.Leaf("p", "No student has been measured yet.", ("class", "soft"));
            return;
        }

        var seeds = best.IsSeedsOnly ? null : arms.FirstOrDefault(arm => arm.IsSeedsOnly && arm.Student == best.Student && arm.Tests[0].PerLabel.Count == best.Tests[0].PerLabel.Count);
        using (page.Open("p", ("class", "soft")))
        {
            page.Text("The student");
            ReportArms.Student(page, best, arms);
            page.Text(seeds is null ? $" trained on {best.ArmTitle}." : $" trained on the seeds alone, and on {best.ArmTitle} (best).");
            page.Text(best.Tests.Count > 1 ? " Means over the repeats." : "");
        }

        var labels = best.Tests[0].PerLabel;
        string[] heads = seeds is null ? ["label", "#rows", "#precision", "#recall", "#F1"]
            : ["label", "#rows", "#precision, seeds", "#recall, seeds", "#F1, seeds", "#precision, best", "#recall, best", "#F1, best", "#F1, points"];
        using (labels.Count > FewLabels ? page.Open("div", ("class", "tall"), ("tabindex", "0"), ("role", "region"), ("aria-label", "Labels")) : page.Open("div"))
        using (var table = new HtmlTable(page, "How well each label is found on the test rows.", "labels", heads))
        {
            for (var label = 0; label < labels.Count; label++)
            {
                using (table.Row())
                {
                    table.ForeignHead(labels[label].Label);
                    table.Number(Count(labels[label].Support));
                    double? before = seeds is null ? null : Figures(table, seeds, label);
                    var after = Figures(table, best, label);
                    if (before is { } f1)
                    {
                        table.Number(Points(after - f1));
                    }
                }
            }
        }
    }

    /// <summary>What the best student takes for what, all repeats together.</summary>
    public static void Confusion(HtmlWriter page, IReadOnlyList<ArmSummary> arms)
    {
        if (ReportArms.Best(arms) is not { } best)
        {
            page.Leaf("p", "No student has been measured yet.", ("class", "soft"));
            return;
        }

        string[] labels = [.. best.Tests[0].PerLabel.Select(label => label.Label)];
        long[][] counts = [.. labels.Select((_, row) => labels.Select((_, column) => best.Tests.Where(test => test.Confusion.Length == labels.Length).Sum(test => (long)test.Confusion[row][column])).ToArray())];
        using (page.Open("p", ("class", "soft")))
        {
            page.Text("The student");
            ReportArms.Student(page, best, arms);
            page.Text($" trained on {best.ArmTitle}{(best.Tests.Count > 1 ? $", {best.Tests.Count} repeats added up" : "")}. A row is a true label, a column what the student made of it; the darker a cell, the larger its share of the row.");
        }

        if (labels.Length <= FewLabels)
        {
            Matrix(page, labels, counts);
            Pairs(page, labels, counts, 10);
            return;
        }

        Pairs(page, labels, counts, MostPairs);
        using var details = page.Open("details");
        page.Leaf("summary", $"The whole matrix of {labels.Length} labels");
        Matrix(page, labels, counts);
    }

    private static double Figures(HtmlTable table, ArmSummary arm, int label)
    {
        var results = arm.Tests.Where(test => label < test.PerLabel.Count).Select(test => test.PerLabel[label]).ToArray();
        var f1 = results.Average(one => one.F1);
        table.Number(Percent(results.Average(one => one.Precision)));
        table.Number(Percent(results.Average(one => one.Recall)));
        table.Number(Percent(f1));
        return f1;
    }

    private static void Pairs(HtmlWriter page, string[] labels, long[][] counts, int most)
    {
        var pairs = (from row in Enumerable.Range(0, labels.Length)
                     from column in Enumerable.Range(0, labels.Length)
                     where row != column && counts[row][column] > 0
                     orderby counts[row][column] descending, row, column
                     select (Row: row, Column: column)).ToArray();
        if (pairs.Length == 0)
        {
            page.Leaf("p", "It takes no label for another.");
            return;
        }

        using var table = new HtmlTable(page, $"The pairs most often confused, {Math.Min(most, pairs.Length)} of {Count(pairs.Length)}.", "pairs", "true label", "taken for", "#rows", "#of the label's rows");
        foreach (var (row, column) in pairs.Take(most))
        {
            using (table.Row())
            {
                table.ForeignHead(labels[row]);
                table.Foreign(labels[column], 80);
                table.Number(Count(counts[row][column]));
                table.Number(Percent(counts[row][column] / (double)counts[row].Sum()));
            }
        }
    }

    private static void Matrix(HtmlWriter page, string[] labels, long[][] counts)
    {
        using var box = page.Open("div", ("class", "scroll tall"), ("role", "region"), ("tabindex", "0"), ("aria-label", "Confusion matrix"));
        using var table = page.Open("table", ("class", "heat"));
        using (page.Open("caption"))
        {
            page.Leaf("span", "Confusion matrix: rows of each true label by what they were taken for.");
        }

        using (page.Open("thead"))
        using (page.Open("tr"))
        {
            page.Leaf("th", "true ↓ taken for →", ("scope", "col"));
            foreach (var label in labels)
            {
                using (page.Open("th", ("scope", "col")))
                using (page.Open("span", ("class", "up")))
                {
                    page.Foreign(label, 40);
                }
            }
        }

        using var body = page.Open("tbody");
        for (var row = 0; row < labels.Length; row++)
        {
            page.Line();
            using (page.Open("tr"))
            {
                using (page.Open("th", ("scope", "row")))
                {
                    page.Foreign(labels[row], 40);
                }

                var all = counts[row].Sum();
                for (var column = 0; column < labels.Length; column++)
                {
                    var count = counts[row][column];
                    if (count == 0)
                    {
                        page.Leaf("td", "");
                        continue;
                    }

                    var shade = Math.Clamp((int)Math.Ceiling(count / (double)all * Shades), 1, Shades).ToString(CultureInfo.InvariantCulture);
                    page.Leaf("td", Count(count), ("class", (row == column ? "g" : "b") + shade));
                }
            }
        }
    }
}
