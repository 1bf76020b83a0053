using System.Xml;
using System.Xml.Linq;
using Understudy.Recipes;
using Understudy.Reports;
using Understudy.Runs;
using Understudy.Synthesis;

namespace Understudy.Tests.Recipes;

public sealed class ReportTests
{
    private static readonly HashSet<string> Elements =
    [
        .. "html head title style body header main footer section nav h1 h2 h3 p div span strong em small ul li a bdi code pre details summary figure figcaption meta br".Split(' '),
        .. "table caption thead tbody tr th td svg desc g line polyline circle rect text".Split(' '),
    ];

    private static readonly HashSet<string> Attributes =
    [
        .. "lang class id scope tabindex role aria-label aria-labelledby aria-hidden name content charset http-equiv href".Split(' '),
        .. "viewBox width height x y x1 x2 y1 y2 cx cy r rx points text-anchor transform focusable".Split(' '),
    ];

    [Fact]
    public void A_report_answers_the_questions_in_order()
    {
        using var folder = new TemporaryFolder();
        ReportSample.Write(folder.FullName);
        var page = Parse(Report.Write(folder.FullName));
        Assert.Equal(["Arms", "Learning curves", "Labels", "Confusion", "Synthetic rows", "Samples", "The run"], page.Descendants("h2").Select(h => h.Value));
        var headline = page.Descendants("p").First(p => (string?)p.Attribute("class") == "headline").Value;
        Assert.Matches(@"^The student trained on seeds \+ annotated \+ generated gets \d\d\.\d% of the test rows right \(95% interval \d\d\.\d–\d\d\.\d%\), against \d\d\.\d% from the seeds alone: \+\d+\.\d points, beyond noise \(p < 0\.001\)\.$", headline);
        Assert.All(page.Descendants("table"), table => Assert.NotEmpty(table.Elements("caption")));
        Assert.All(page.Descendants("th"), th => Assert.Contains((string?)th.Attribute("scope"), new[] { "row", "col" }));
        Assert.All(page.Descendants("svg").Where(svg => svg.Attribute("aria-hidden") is null), svg => Assert.Equal(["title", "desc"], svg.Elements().Take(2).Select(child => child.Name.LocalName)));
        Assert.Equal("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'", page.Descendants("meta").Single(meta => meta.Attribute("http-equiv") is not null).Attribute("content")!.Value);
    }

    [Fact]
    public void The_funnel_counts_every_verdict_in_the_order_of_the_filters()
    {
        using var folder = new TemporaryFolder();
        ReportSample.Write(folder.FullName, rowsOfEach: 30);
        var page = Parse(Report.Write(folder.FullName));
        var funnel = page.Descendants("table").Where(table => (string?)table.Attribute("class") == "funnel").Select(table => table.Element("tbody")!.Elements("tr").Select(row => string.Join('|', row.Elements().Take(4).Select(cell => cell.Value)))).ToArray();
        var verdicts = Enum.GetValues<Verdict>();
        var all = 30 * verdicts.Length;
        Assert.Equal(2, funnel.Length);
        Assert.All(funnel, steps => Assert.Equal(
            [$"all rows|||{all}", .. verdicts[1..].Select((verdict, i) => $"{verdict.Name().Replace('_', ' ')}|30|{NumberText.Percent(30.0 / all)}|{all - (30 * (i + 1))}")], steps));
        Assert.Contains(page.Descendants("p"), p => p.Value == "Of the rows whose true label is known, though hidden from the run, 71.0% have the right one; of those kept 80.0%.");
    }

    [Fact]
    public void Twenty_rows_of_each_verdict_are_drawn_and_not_simply_the_first()
    {
        using var folder = new TemporaryFolder();
        ReportSample.Write(folder.FullName, rowsOfEach: 60);
        var samples = Parse(Report.Write(folder.FullName)).Descendants("table").Where(table => (string?)table.Attribute("class") == "rows")
            .Select(table => table.Element("tbody")!.Elements("tr").Select(row => row.Element("td")!.Value).ToArray()).ToArray();
        Assert.Equal(2 * Enum.GetValues<Verdict>().Length, samples.Length);
        Assert.All(samples, texts => Assert.Equal(20, texts.Distinct().Count()));
        // Text 12 of the file ends in (12); of the first verdict they are numbered from 1 to 60.
        var numbers = samples[0].Select(text => int.Parse(text[(text.LastIndexOf('(') + 1)..^1])).ToArray();
        Assert.Equal(numbers.Order(), numbers);
        Assert.True(numbers.Max() is > 40 and <= 60, string.Join(' ', numbers));
    }

    [Fact]
    public void A_report_follows_from_the_folder_alone_and_changes_nothing_else()
    {
        using var folder = new TemporaryFolder();
        ReportSample.Write(folder["run"], repeats: 3);
        Dictionary<string, string> Hashes() => Directory.EnumerateFiles(folder["run"], "*", SearchOption.AllDirectories).Where(path => !path.EndsWith("report.html", StringComparison.Ordinal)).ToDictionary(path => path, path => ContentHash.OfText(File.ReadAllText(path)));
        var before = Hashes();
        var first = File.ReadAllBytes(Report.Write(folder["run"]));
        Assert.Equal(before, Hashes());
        Directory.Move(folder["run"], folder["moved"]);
        Assert.Equal(first, File.ReadAllBytes(Report.Write(folder["moved"])));
    }

    [Theory]
    [InlineData(20)]
    [InlineData(45)]
    public void Hostile_texts_are_shown_and_nothing_else_comes_of_them(int labels)
    {
        using var folder = new TemporaryFolder();
        ReportSample.Write(folder.FullName, labels, texts: ReportSample.Hostile);
        var path = Report.Write(folder.FullName);
        var page = Parse(path);
        Assert.DoesNotContain(page.DescendantNodes(), node => node is XComment or XProcessingInstruction or XCData);
        Assert.Empty(page.Descendants().Select(element => element.Name.LocalName).Where(name => !Elements.Contains(name)).Distinct());
        Assert.Empty(page.Descendants().Attributes().Select(attribute => attribute.Name.LocalName).Where(name => !Attributes.Contains(name)).Distinct());
        Assert.All(page.Descendants().Attributes("href"), href => Assert.StartsWith("#", href.Value, StringComparison.Ordinal));
        Assert.Single(page.Descendants("style"));
        var text = page.Value;
        Assert.Contains("<script>alert(1)</script>", text, StringComparison.Ordinal);
        Assert.Contains("abc[U+202E]gnp.exe[U+2066][U+200F][U+2029]", text, StringComparison.Ordinal);
        Assert.Contains("NUL ␀ and bell ␇ and [U+0085]", text, StringComparison.Ordinal);
        Assert.Contains(" … [99,600 more characters]", text, StringComparison.Ordinal);
        Assert.Contains("line␍↵ break tab", text, StringComparison.Ordinal);
        Assert.DoesNotContain(text, c => char.IsSurrogate(c) || c is '\u202E' or '\0' or '\uFFFE' or '\uFFFF');
        Assert.True(new FileInfo(path).Length < 2_000_000);
    }

    [Fact]
    public void Of_an_unfinished_run_the_report_shows_what_there_is_and_says_what_is_missing()
    {
        using var folder = new TemporaryFolder();
        ReportSample.Write(folder.FullName, finished: false);
        File.Delete(folder["manifest.json"]);
        File.AppendAllText(Path.Combine(folder.FullName, "rows", "generated.jsonl"), "no row\n{}\n");
        var page = Parse(Report.Write(folder.FullName));
        Assert.Equal("No student has been measured yet.", page.Descendants("p").First().Value);
        var notices = page.Descendants("div").Single(div => (string?)div.Attribute("class") == "notice").Descendants("li").Select(li => li.Value).ToArray();
        Assert.Equal(3, notices.Length);
        Assert.Equal(["The run has not come to its end: there is no result.json. What follows is put together from its finished stages.", "There is no manifest.json."], notices[..2]);
        Assert.StartsWith("The rows are counted only up to a damaged line. rows/generated.jsonl(", notices[2], StringComparison.Ordinal);
        Assert.Contains(page.Descendants("p"), p => p.Value.StartsWith("Pre-training: 1,234,567 parameters, 600 steps, 400,000 tokens in 1:35", StringComparison.Ordinal));
        Assert.Contains(page.Descendants("summary"), summary => summary.Value == "Stages: 1 of 2 finished");
        Assert.NotEmpty(page.Descendants("polyline"));
    }

    [Fact]
    public void What_is_no_run_folder_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(
            $"'{folder.FullName}' is not a run folder: expected a folder with a run.yaml in it, as 'understudy run' makes one.",
            Assert.Throws<InvalidDataException>(() => Report.Write(folder.FullName)).Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.FullName));
    }

    [Fact]
    public void With_many_labels_the_confused_pairs_come_first_and_the_matrix_is_folded()
    {
        using var folder = new TemporaryFolder();
        ReportSample.Write(folder.FullName, 150);
        var path = Report.Write(folder.FullName);
        var page = Parse(path);
        var matrix = page.Descendants("table").Single(table => (string?)table.Attribute("class") == "heat");
        Assert.Contains(matrix.Ancestors("details"), details => details.Element("summary")!.Value == "The whole matrix of 150 labels");
        Assert.Equal(150 * 150, matrix.Element("tbody")!.Descendants("td").Count());
        Assert.Equal(30, page.Descendants("table").Single(table => (string?)table.Attribute("class") == "pairs").Element("tbody")!.Elements("tr").Count());
        Assert.True(new FileInfo(path).Length < 1_500_000);
    }

    // Strict: what is not well-formed throws.
    private static XElement Parse(string path)
    {
        using var reader = XmlReader.Create(path, new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, CheckCharacters = true });
        return XDocument.Load(reader).Root!;
    }
}
