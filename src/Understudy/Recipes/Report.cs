using System.Text;
using Understudy.Reports;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>
/// A run as a page to look at: <c>report.html</c> in its folder, one file that needs nothing else, no script and no network.
/// The page follows from the files of the folder alone, so it is the same whenever and wherever it is made.
/// </summary>
public static class Report
{
    /// <summary>The page's name in a run folder.</summary>
    public const string FileName = "report.html";

    private const string Policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

    private static readonly (string Id, string Title)[] Contents =
        [("arms", "Arms"), ("curves", "Learning curves"), ("labels", "Labels"), ("confusion", "Confusion"), ("rows", "Synthetic rows"), ("samples", "Samples"), ("run", "The run")];

    /// <summary>Writes the report of a run folder, in place of an earlier one. Nothing else in the folder changes.</summary>
    /// <param name="folder">The folder of a run, finished or not.</param>
    /// <returns>The page's path.</returns>
    /// <exception cref="InvalidDataException">It is no run folder.</exception>
    /// <exception cref="IOException">The folder cannot be read, or the disk refuses.</exception>
    public static string Write(string folder)
    {
        var records = RunRecords.Read(folder);
        var path = Path.Combine(records.Folder, FileName);
        Storage.Replace(path, stream =>
        {
            using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
            Compose(records, writer);
        });
        return path;
    }

    private static void Compose(RunRecords records, TextWriter output)
    {
        var rows = ReportRows.Read(records);
        var arms = ArmSummary.Of(records.Result);
        var page = new HtmlWriter(output);
        using (page.Open("html", ("lang", "en")))
        {
            Head(page, records.Name);
            using var body = page.Open("body");
            using (page.Open("header"))
            {
                page.Leaf("h1", $"Understudy: {VisibleText.Cut(records.Name, 100)}");
                ReportArms.Headline(page, records.Result, arms);
                foreach (var sentence in RunHeadline.Sentences(records.Result))
                {
                    using (page.Open("p", ("class", "soft")))
                    {
                        page.Foreign(sentence, 800);
                    }
                }

                Notices(page, [.. records.Missing, .. rows.Missing]);
                Navigation(page);
            }

            page.Line();
            using (page.Open("main"))
            {
                Section(page, 0, () => ReportArms.Write(page, records.Result, arms));
                Section(page, 1, () => ReportCurves.Write(page, records));
                Section(page, 2, () => ReportLabels.PerLabel(page, arms));
                Section(page, 3, () => ReportLabels.Confusion(page, arms));
                Section(page, 4, () => ReportRows.WriteFunnel(page, records.Result, rows));
                Section(page, 5, () => ReportRows.WriteSamples(page, rows));
                Section(page, 6, () => ReportEnvironment.Write(page, records));
            }

            page.Leaf("footer", "Made by Understudy from the files of the run folder. 'understudy report' makes it anew.");
        }

        page.Line();
    }

    private static void Head(HtmlWriter page, string name)
    {
        using var head = page.Open("head");
        page.Empty("meta", ("charset", "utf-8"));
        page.Empty("meta", ("http-equiv", "Content-Security-Policy"), ("content", Policy));
        page.Empty("meta", ("name", "viewport"), ("content", "width=device-width, initial-scale=1"));
        page.Empty("meta", ("name", "color-scheme"), ("content", "light dark"));
        page.Empty("meta", ("name", "referrer"), ("content", "no-referrer"));
        page.Leaf("title", $"{VisibleText.Cut(name, 100)}: Understudy report");
        page.Style(PageStyle.Css);
    }

    private static void Navigation(HtmlWriter page)
    {
        using var navigation = page.Open("nav", ("aria-label", "Contents"));
        using var list = page.Open("ul");
        foreach (var (id, title) in Contents)
        {
            using (page.Open("li"))
            {
                page.Leaf("a", title, ("href", $"#{id}"));
            }
        }
    }

    private static void Notices(HtmlWriter page, IReadOnlyList<string> missing)
    {
        if (missing.Count == 0)
        {
            return;
        }

        using var notice = page.Open("div", ("class", "notice"));
        page.Leaf("strong", "What is missing");
        using var list = page.Open("ul");
        foreach (var one in missing.Distinct())
        {
            page.Leaf("li", VisibleText.Cut(one, 600));
        }
    }

    private static void Section(HtmlWriter page, int number, Action write)
    {
        var (id, title) = Contents[number];
        page.Line();
        using var section = page.Open("section", ("id", id), ("aria-labelledby", $"{id}-title"));
        page.Leaf("h2", title, ("id", $"{id}-title"));
        write();
    }
}
