using Understudy.Data;
using Understudy.Recipes;
using Understudy.Synthesis;

namespace Understudy.Tests.Recipes;

/// <summary>Annotated and generated rows of a whole run at toy size: verdicts, relabelling, what is reused when a filter changes.</summary>
[Collection(LiveTensors.Name)]
public sealed class SynthesisTests
{
    [Fact]
    public void Every_row_tells_where_it_comes_from()
    {
        using var folder = new TemporaryFolder();
        DistillTests.Run(Options(folder), folder["run"], null);
        var prompts = Prompts(folder, "generated");
        var generated = DistillTests.Rows(folder["run"], "generated");
        Assert.NotEmpty(generated);
        Assert.Equal(generated.Count, generated.Select(row => row.Id).Distinct().Count());
        Assert.All(generated, row =>
        {
            Assert.Equal(SynthesisMode.Generated, row.Mode);
            Assert.Contains($"Label: {row.AskedLabel}\n", prompts[row.PromptId], StringComparison.Ordinal);
            Assert.NotNull(row.Seed);
            Assert.Equal(16, row.Teacher.Length);
            Assert.Equal(row.Verdict == Verdict.Kept, row.Reason.Length == 0);
            Assert.Equal(row.Verdict == Verdict.Unparsable, row.Scores is null);
        });
        var annotated = DistillTests.Rows(folder["run"], "annotated");
        Assert.Equal("{text}\nLabel:", Prompts(folder, "annotated")[Assert.Single(annotated.Select(row => row.PromptId).Distinct())]);
        Assert.Equal(Assert.Single(annotated.Select(row => row.Teacher).Distinct()), generated[0].Teacher);
    }

    [Fact]
    public void A_changed_filter_asks_the_teacher_nothing_again()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder) with { Students = [] };
        DistillTests.Run(options, folder["run"], null);
        var texts = File.ReadAllText(Path.Combine(folder["run"], "stages", "generate", "texts.jsonl"));
        var scores = File.ReadAllText(Path.Combine(folder["run"], "stages", "annotate", "scores.jsonl"));
        var most = DistillTests.Rows(folder["run"], "annotated").Max(row => row.Scores!.Values.Max());

        var strict = new FilterOptions { MinConfidence = most };
        var again = new DistillTests.CountingProgress(null);
        var result = DistillTests.Run(options with { Annotate = options.Annotate with { Filters = strict }, Generate = options.Generate with { PerLabel = 1 } }, folder["run"], again);
        Assert.Equal(1, result.Annotated!.Kept);
        Assert.True(result.Annotated.Verdicts["low_confidence"] > 5);
        Assert.DoesNotContain("annotate", again.Stages);
        Assert.Equal(scores, File.ReadAllText(Path.Combine(folder["run"], "stages", "annotate", "scores.jsonl")));
        Assert.Equal(texts, File.ReadAllText(Path.Combine(folder["run"], "stages", "generate", "texts.jsonl")));
        Assert.True(Directory.EnumerateFileSystemEntries(Path.Combine(folder["run"], "superseded")).Any());
    }

    [Fact]
    public void A_larger_quota_keeps_what_was_written_and_asks_for_the_rest()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder) with { Students = [] };
        DistillTests.Run(options, folder["run"], null);
        var texts = Path.Combine(folder["run"], "stages", "generate", "texts.jsonl");
        var before = File.ReadAllText(texts);
        var result = DistillTests.Run(options with { Generate = options.Generate with { MaxAttempts = options.Generate.MaxAttempts * 2 } }, folder["run"], null);
        Assert.StartsWith(before, File.ReadAllText(texts), StringComparison.Ordinal);
        Assert.Equal(File.ReadAllLines(texts).Length, result.Generated!.Rows);
        Assert.True(result.Generated.Rows > before.Split('\n').Length);
    }

    [Fact]
    public void The_teachers_own_label_can_replace_the_one_asked_for()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder) with { Students = [] };
        DistillTests.Run(options with { Generate = options.Generate with { Relabel = RelabelMode.Replace } }, folder["run"], null);
        var judged = DistillTests.Rows(folder["run"], "generated").Where(row => row.Scores is not null).ToList();
        Assert.NotEmpty(judged);
        Assert.All(judged, row => Assert.Equal(row.Scores!.MaxBy(pair => pair.Value).Key, row.Label));
        Assert.DoesNotContain(judged, row => row.Verdict == Verdict.RelabelDisagrees);
    }

    [Fact]
    public void The_model_may_choose_the_label_it_writes_for()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder) with { Students = [] };
        options = options with
        {
            Task = new TaskOptions { GenerationPrompt = "Text:", GenerationCompletion = " {text}\nLabel: {label}" },
            Generate = options.Generate with { Relabel = RelabelMode.None, Sampling = options.Generate.Sampling with { MaxNewTokens = 40, StopStrings = [] } },
            Teacher = options.Teacher with { GenerationLossWeight = 1, Tune = options.Teacher.Tune with { Epochs = 40 } },
        };
        DistillTests.Run(options, folder["run"], null);
        var rows = DistillTests.Rows(folder["run"], "generated");
        Assert.All(rows, row => Assert.Null(row.AskedLabel));
        Assert.All(rows, row => Assert.Null(row.Scores));
        Assert.All(rows.Where(row => row.Verdict is Verdict.LabelUnknown or Verdict.Unparsable), row => Assert.Null(row.Label));
        Assert.All(rows.Where(row => row.Verdict == Verdict.Kept), row => Assert.Contains(row.Label, new[] { "play", "stop", "buy" }));
        Assert.Contains(rows, row => row.Label is not null);
    }

    private static RunOptions Options(TemporaryFolder folder) => DistillTests.Options(folder);

    private static Dictionary<string, string> Prompts(TemporaryFolder folder, string name) =>
        File.ReadLines(Path.Combine(folder["run"], "rows", $"{name}-prompts.jsonl"))
            .Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement)
            .ToDictionary(row => row.GetProperty("id").GetString()!, row => row.GetProperty("text").GetString()!);
}
