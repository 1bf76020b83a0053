using System.Xml;
using System.Xml.Linq;
using Understudy.Recipes;

namespace Understudy.Tests.Recipes;

public sealed class ReportPretrainingTests
{
    [Fact]
    public void A_run_that_is_nothing_but_a_pre_training_has_a_page_of_its_own()
    {
        using var folder = new TemporaryFolder();
        PretrainingFolders.Write(folder["run"]);
        var page = Parse(Report.Write(folder["run"]));
        Assert.Equal(["Pre-training", "The run"], page.Descendants("h2").Select(h => h.Value));
        // 3 + 5 e^-4 + 0.1 nats, a byte for 2.5 of them.
        Assert.Equal("1.277 bits per byte of held-out text after 400,000 tokens in 13:20; a model of the 5 bytes before takes 2.250.", page.Descendants("p").First().Value);
        Assert.Equal(
            [
                "parameters|1,234,567", "steps|400", "tokens|400,000", "time|13:20", "loss on held-out text|3.192 nats per token", "bits per byte|1.277", "tokens a second|500.0",
                "share of the matrix product's rate|25.0%: 6.000 million operations a token (6 for every weight but those of the input embedding), beside 12.00 GFLOP/s of a product of 2,048 × 2,048 numbers, measured after the training",
                "waited for data|1.0%", "documents|12 documents held out of 3456", "documents left out|1,234, since they overlap with texts that models are measured on",
            ],
            Rows(page, "The pre-training in figures."));
        Assert.Equal(
            ["this model|1.277|36.5%", "the 5 bytes before|2.250|64.3%", "xz -9e|3.125|89.3%", "gzip, best level|3.500|100.0%"], Rows(page, "Bits per byte of the held-out text."));
        Assert.Equal(["Loss", "Bits per byte of held-out text", "Speed", "Learning rate"], page.Descendants("figcaption").Select(one => one.Value));
        // Training and held-out loss; the model, a model of bytes and xz.
        Assert.Equal([2, 3, 1, 1], page.Descendants("figure").Select(figure => figure.Descendants("polyline").Count()));
        Assert.DoesNotContain(page.Descendants("div"), div => (string?)div.Attribute("class") == "notice" && div.Value.Contains("result.json", StringComparison.Ordinal));
    }

    [Fact]
    public void Samples_are_shown_by_step_the_newest_open()
    {
        using var folder = new TemporaryFolder();
        PretrainingFolders.Write(folder["run"], text: "<script>alert(1)</script>\u202E");
        var page = Parse(Report.Write(folder["run"]));
        var steps = page.Descendants("details").Select(one => one.Element("summary")!.Value).Where(text => text.StartsWith("Step ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(11, steps.Length);
        Assert.Equal(("Step 20", "Step 360"), (steps[0], steps[^1]));
        Assert.Equal(["I would|<script>alert(1)</script>[U+202E]"], page.Descendants("table").Single(table => Caption(table) == "Texts at step 400.").Element("tbody")!.Elements("tr").Select(row => string.Join('|', row.Elements().Select(cell => cell.Value))));
        Assert.Contains(page.Descendants("p"), p => p.Value.StartsWith("At 12 of 20 steps;", StringComparison.Ordinal));
        Assert.Empty(page.Descendants("script"));
    }

    [Fact]
    public void A_pre_training_under_way_shows_how_far_it_is()
    {
        using var folder = new TemporaryFolder();
        PretrainingFolders.Write(folder["run"], finished: false);
        var page = Parse(Report.Write(folder["run"]));
        Assert.Equal("1.340 bits per byte of held-out text after 300 steps; the pre-training has not come to its end.", page.Descendants("p").First().Value);
        Assert.Equal(["steps|400", "tokens|400,000"], Rows(page, "The pre-training in figures.")[..2]);
        Assert.Contains(page.Descendants("p"), p => p.Value.StartsWith("The held-out text was not given to compressors yet", StringComparison.Ordinal));
    }

    [Fact]
    public void Hidden_words_are_not_compared_with_compressors()
    {
        using var folder = new TemporaryFolder();
        PretrainingFolders.Write(folder["run"], finished: false, family: "roberta");
        var page = Parse(Report.Write(folder["run"]));
        Assert.Contains("held-out text (its hidden words alone) after 300 steps", page.Descendants("p").First().Value, StringComparison.Ordinal);
        Assert.Contains(page.Descendants("p"), p => p.Value.StartsWith("This model does not tell a text from its beginning to its end", StringComparison.Ordinal));
    }

    [Fact]
    public void What_cannot_be_read_is_said_and_the_rest_is_shown()
    {
        using var folder = new TemporaryFolder();
        PretrainingFolders.Write(folder["run"]);
        File.WriteAllText(folder["run/stages/pretrain/samples.jsonl"], "no sample\n{}\n");
        File.WriteAllText(folder["run/stages/pretrain/baselines.json"], "{");
        var page = Parse(Report.Write(folder["run"]));
        Assert.Contains(page.Descendants("li"), li => li.Value.StartsWith("stages/pretrain/samples.jsonl(1)", StringComparison.Ordinal));
        Assert.Equal("1.277 bits per byte of held-out text after 400,000 tokens in 13:20.", page.Descendants("p").First().Value);
    }

    // Both lose as much in a step; the second takes three quarters of the time for it.
    [Fact]
    public void Runs_beside_each_other_are_drawn_and_timed()
    {
        using var folder = new TemporaryFolder();
        PretrainingFolders.Write(folder["first"]);
        PretrainingFolders.Write(folder["second"], optimizer: "muon", secondsPerStep: 1.5);
        var page = Parse(Report.Write(folder["first"], [folder["second"]]));
        Assert.Equal(["Pre-training", "Beside other pre-trainings", "The run"], page.Descendants("h2").Select(h => h.Value));
        Assert.Equal(
            ["first|adam_w|0.002|400|3.192|1.277|400|13:20|100.0%", "second|muon|0.002|400|3.192|1.277|400|10:00|75.0%"], Rows(page, "Pre-trainings beside each other."));
        Assert.DoesNotContain(page.Descendants("p"), p => p.Value.Contains("cannot be compared", StringComparison.Ordinal));
        foreach (var name in new[] { "held-out-loss-by-step.svg", "held-out-loss-by-time.svg" })
        {
            var svg = Parse(folder[$"first/{name}"]);
            XNamespace space = "http://www.w3.org/2000/svg";
            Assert.Equal(2, svg.Elements(space + "polyline").Count());
            Assert.Equal(["adam_w", "muon"], svg.Elements(space + "text").Select(text => text.Value).TakeLast(2));
        }

        File.WriteAllText(folder["second/stages/pretrain/held-out-tokens.safetensors"], "another text");
        Assert.Contains(Parse(Report.Write(folder["first"], [folder["second"]])).Descendants("p"), p => p.Value.StartsWith("These runs hold out different texts", StringComparison.Ordinal));
    }

    [Fact]
    public void What_has_no_pre_training_cannot_stand_beside()
    {
        using var folder = new TemporaryFolder();
        PretrainingFolders.Write(folder["first"]);
        Directory.CreateDirectory(folder["empty"]);
        Assert.Equal(
            $"'{folder["empty"]}': expected the folder of a run with a pre-training, found none. 'understudy pretrain' makes one.",
            Assert.Throws<InvalidDataException>(() => Report.Write(folder["first"], [folder["empty"]])).Message);
        Assert.False(File.Exists(folder["first/report.html"]));
    }

    [Theory]
    [InlineData(9.0, 100.0)]
    [InlineData(5.0, 100.0)]
    [InlineData(4.5, 150.0)]
    [InlineData(4.0, 200.0)]
    [InlineData(3.5, 350.0)]
    [InlineData(2.0, null)]
    public void A_loss_is_reached_on_a_straight_line_between_measurements(double loss, double? at) =>
        Assert.Equal(at, PretrainingRecords.Reached([(100, 5), (200, 4), (300, 4), (400, 3)], loss));

    private static string[] Rows(XElement page, string caption) =>
        [.. page.Descendants("table").Single(table => Caption(table) == caption).Element("tbody")!.Elements("tr").Select(row => string.Join('|', row.Elements().Select(cell => cell.Value)))];

    private static string Caption(XElement table) => table.Element("caption")!.Value;

    // Strict: what is not well-formed throws.
    private static XElement Parse(string path)
    {
        using var reader = XmlReader.Create(path, new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, CheckCharacters = true });
        return XDocument.Load(reader).Root!;
    }
}
