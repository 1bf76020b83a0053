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

    /// <summary>Writes the report of a run folder, in place of an earlier one. Nothing else in the folder changes.</summary>
    /// <param name="folder">The folder of a run, finished or not.</param>
    /// <param name="beside">Folders of runs whose pre-trainings are set beside this one's, at most 5; then two pictures are written beside the page.</param>
    /// <returns>The page's path.</returns>
    /// <exception cref="InvalidDataException">It is no run folder, or one with no pre-training is to be set beside another.</exception>
    /// <exception cref="IOException">The folder cannot be read, or the disk refuses.</exception>
    public static string Write(string folder, IReadOnlyList<string>? beside = null)
    {
        var records = RunRecords.Read(folder);
        var compared = ReportBeside.Read(records.Folder, beside ?? []);
        var path = Path.Combine(records.Folder, FileName);
        Storage.Replace(path, stream =>
        {
            using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
            Compose(records, compared, writer);
        });
        ReportBeside.WritePictures(records.Folder, compared);
        return path;
    }

    private static void Compose(RunRecords records, IReadOnlyList<ComparedPretraining> beside, TextWriter output)
    {
        var rows = ReportRows.Read(records);
        var arms = ArmSummary.Of(records.Result);
        var pretraining = PretrainingRecords.Read(records.Folder);
        // 'pretrain' alone leaves nothing else to show.
        var alone = pretraining is not null && records.Result.Arms.Count == 0 && records.Stages.All(stage => stage.Name == Pretrain.StageName);
        var page = new HtmlWriter(output);
        List<(string Id, string Title, Action Write)> sections = [];
        if (!alone)
        {
            sections.AddRange(
            [
                ("arms", "Arms", () => ReportArms.Write(page, records.Result, arms)),
                ("curves", "Learning curves", () => ReportCurves.Write(page, records, pretraining is null)),
                ("labels", "Labels", () => ReportLabels.PerLabel(page, arms)),
                ("confusion", "Confusion", () => ReportLabels.Confusion(page, arms)),
                ("rows", "Synthetic rows", () => ReportRows.WriteFunnel(page, records.Result, rows)),
                ("samples", "Samples", () => ReportRows.WriteSamples(page, rows)),
            ]);
        }

        if (pretraining is not null) sections.Add(("pretraining", "Pre-training", () => ReportPretraining.Write(page, pretraining)));
        if (beside.Count > 0) sections.Add(("beside", "Beside other pre-trainings", () => ReportBeside.Write(page, beside)));
        sections.Add(("run", "The run", () => ReportEnvironment.Write(page, records)));
        using (page.Open("html", ("lang", "en")))
        {
            Head(page, records.Name);
            using var body = page.Open("body");
            using (page.Open("header"))
            {
                page.Leaf("h1", $"Understudy: {VisibleText.Cut(records.Name, 100)}");
                if (alone) ReportPretraining.Headline(page, pretraining!);
                else ReportArms.Headline(page, records.Result, arms);
                foreach (var sentence in RunHeadline.Sentences(records.Result))
                {
                    using (page.Open("p", ("class", "soft")))
                    {
                        page.Foreign(sentence, 800);
                    }
                }

                Notices(page, [.. records.Missing.Where(one => !alone || one != RunRecords.Unfinished), .. rows.Missing, .. pretraining?.Missing ?? []]);
                Navigation(page, sections);
            }

            page.Line();
            using (page.Open("main"))
            {
                foreach (var (id, title, write) in sections) Section(page, id, title, write);
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

    private static void Navigation(HtmlWriter page, IEnumerable<(string Id, string Title, Action Write)> sections)
    {
        using var navigation = page.Open("nav", ("aria-label", "Contents"));
        using var list = page.Open("ul");
        foreach (var (id, title, _) in sections)
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

    private static void Section(HtmlWriter page, string id, string title, Action write)
    {
        page.Line();
        using var section = page.Open("section", ("id", id), ("aria-labelledby", $"{id}-title"));
        page.Leaf("h2", title, ("id", $"{id}-title"));
        write();
    }
}
