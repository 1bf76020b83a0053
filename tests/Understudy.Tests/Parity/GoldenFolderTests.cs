using Understudy.Cli;
using Understudy.Cli.Verbs;
using Understudy.Parity;

namespace Understudy.Tests.Parity;

public sealed class GoldenFolderTests : IDisposable
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "Fixtures");

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_is_known_by_what_it_holds()
    {
        File.Copy(Path.Combine(Fixtures, "schedules", "schedules.json"), folder["other-name.json"]);
        var group = Assert.Single(GoldenFolder.Find(folder["other-name.json"]));
        Assert.Contains(group.Run(), check => check.Name == "schedule.linear" && check.Verdict == ParityVerdict.Passed);
    }

    [Fact]
    public void A_folder_is_searched_and_what_nobody_reads_is_skipped()
    {
        Directory.CreateDirectory(folder["a/b"]);
        File.Copy(Path.Combine(Fixtures, "schedules", "schedules.json"), folder["a/b/schedules.json"]);
        File.WriteAllText(folder["nf4.json"], "{\"code\": [1]}");
        File.WriteAllText(folder["broken.json"], "{");
        Directory.CreateDirectory(folder["model"]);
        File.WriteAllText(folder["model/reference.json"], "{");
        File.WriteAllText(folder["model/config.json"], "{}");
        var groups = GoldenFolder.Find(folder.FullName);
        Assert.Equal(["broken.json", "nf4.json", "schedules.json", "model"], groups.Select(group => Path.GetFileName(group.Path)));
        Assert.Equal([false, false, true, false], groups.Select(group => group.Known));
        Assert.Equal("no check here reads such a file", Assert.Single(groups[1].Run()).Note);
        Assert.Equal("no reference of a known kind lies beside the model or tokenizer", Assert.Single(groups[3].Run()).Note);
    }

    [Fact]
    public void Metric_references_are_compared_by_folder_or_by_file()
    {
        var metrics = Path.Combine(Fixtures, "metrics");
        var group = Assert.Single(GoldenFolder.Find(metrics));
        Assert.All(group.Run(), check => Assert.NotEqual(ParityVerdict.Failed, check.Verdict));
        var one = Assert.Single(GoldenFolder.Find(Path.Combine(metrics, "statistics.json")));
        Assert.InRange(one.Run().Count(), 1, group.Run().Count() - 1);
    }

    [Fact]
    public void A_tokenizer_may_have_texts_and_ids_alone()
    {
        File.Copy(Path.Combine(Fixtures, "tokenizers", "neox-style", "tokenizer.json"), folder["tokenizer.json"]);
        var ids = Understudy.Tokenization.Tokenizer.FromFolder(folder.FullName).Encode("set an alarm", addSpecialTokens: false).Ids;
        File.WriteAllText(folder["cases.json"], $"[{{\"text\": \"set an alarm\", \"ids\": [{string.Join(", ", ids)}]}}, {{\"text\": \"x\", \"ids\": []}}]");
        var check = Assert.Single(Assert.Single(GoldenFolder.Find(folder.FullName)).Run());
        Assert.Equal(("tokenizer.ids", ParityVerdict.Failed, 1.0), (check.Name, check.Verdict, check.Difference));
        Assert.Contains("case 1", check.Note, StringComparison.Ordinal);
    }

    [SharedFact("models/all-MiniLM-L6-v2")]
    public void An_encoder_with_reference_embeddings_is_compared_once() =>
        Assert.Single(GoldenFolder.Find(Path.Combine(SharedFactAttribute.Root, "models", "all-MiniLM-L6-v2")), group => group.Known);

    [Fact]
    public void A_place_without_references_is_an_error()
    {
        File.WriteAllText(folder["a.json"], "[]");
        const string Kinds = "a model folder has 'expected.json' and 'expected.safetensors', a tokenizer folder 'cases.json', further files are sampling.json, schedules.json, nf4.json, classification.json and statistics.json.";
        Assert.Equal($"'{folder["a.json"]}' cannot be compared. It is no reference file of a known kind: {Kinds}",
            Assert.Throws<InvalidDataException>(() => GoldenFolder.Find(folder["a.json"])).Message);
        Assert.Equal($"'{folder.FullName}' cannot be compared. No reference of a known kind lies in it or below it: {Kinds}",
            Assert.Throws<InvalidDataException>(() => GoldenFolder.Find(folder.FullName)).Message);
    }

    [Fact]
    public void A_damaged_reference_is_one_failed_check()
    {
        File.WriteAllText(folder["cases.json"], "{\"encode\": [");
        File.WriteAllText(folder["tokenizer.json"], "{}");
        var check = Assert.Single(Assert.Single(GoldenFolder.Find(folder.FullName)).Run());
        Assert.Equal(ParityVerdict.Failed, check.Verdict);
        Assert.StartsWith("InvalidDataException: ", check.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_supported_is_skipped_with_the_reason()
    {
        File.WriteAllText(folder["cases.json"], "{}");
        File.WriteAllText(folder["tokenizer.json"], "{\"model\": {\"type\": \"Morpheme\"}}");
        var check = Assert.Single(Assert.Single(GoldenFolder.Find(folder.FullName)).Run());
        Assert.Equal(ParityVerdict.Skipped, check.Verdict);
        Assert.Contains("'Morpheme', which is not supported", check.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void The_verb_prints_a_line_for_each_check_and_fails_when_one_does()
    {
        ParityGroup Group(params ParityCheck[] checks) => new("/golden/gpt-neox", true, () => checks);
        using var output = new StringWriter();
        var passed = ParityCheck.Of("logits_left", 3.1e-7, 1e-4, "450 values");
        var failed = ParityCheck.Of("greedy", 2, 0, "first at row 1,\nstep 3");
        Assert.Equal(0, ParityVerb.Run([Group(passed)], TextWriter.Null, default));
        Assert.Equal(ExitCodes.Failed, ParityVerb.Run([Group(passed, failed), Group(ParityCheck.Skip("beam_3", "there is no beam search"))], output, default));
        Assert.Equal("""
            passed  gpt-neox logits_left: difference 3.1e-07, tolerance 1.0e-04  450 values
            FAILED  gpt-neox greedy: difference 2, tolerance 0  first at row 1, step 3
            skipped gpt-neox beam_3:  there is no beam search
            1 passed, 1 failed, 1 skipped

            """.ReplaceLineEndings("\n"), output.ToString());
    }
}
