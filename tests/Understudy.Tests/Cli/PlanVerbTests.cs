using System.Text.Json;
using Understudy.Cli;
using Understudy.Cli.Verbs;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Tests.Cli;

[Collection(LiveTensors.Name)]
public sealed class PlanVerbTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public PlanVerbTests()
    {
        string[] things = ["music", "radio", "songs", "jazz", "news", "bread", "milk", "tea"];
        File.WriteAllLines(folder["rows.csv"], ["text,label", .. things.SelectMany(thing => new[] { $"play {thing},play", $"stop {thing},stop" })]);
        File.WriteAllText(folder["run.yaml"], """
            name: toy
            data:
              train: {path: rows.csv}
              test: {path: rows.csv}
            students:
              - name: small
                architecture: {family: roberta, num_hidden_layers: 2, hidden_size: 16, num_attention_heads: 2, max_position_embeddings: 32}
                tokenizer: {vocabulary_size: 300}
                training: {epochs: 2}
            arms: [seeds_only]
            """);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_run_that_fits_is_planned_in_a_table_and_in_a_file()
    {
        var (exit, output, error) = Type(folder["run.yaml"], "--output", folder["run"], "--seconds", "2", "--threads", "1", "--json", folder["plan.json"]);
        Assert.Equal(0, exit);
        Assert.Contains("measure: ", error, StringComparison.Ordinal);
        var lines = output.Split('\n');
        Assert.Matches("^stage +rows +tokens +steps +time +memory$", lines[0]);
        Assert.Matches("^small[.]seeds_only +16 +[0-9]+ +2 +[0-9.]+ s +[0-9.]+ MiB$", lines[1]);
        Assert.Matches("^small[.]evaluate +16 +[0-9]+ +[0-9.]+ s +[0-9.]+ MiB$", lines[2]);
        Assert.Matches("^total +[0-9.]+ s +[0-9.]+ MiB$", lines[3]);
        Assert.Matches("\nThe run fits: it needs [0-9.]+ MiB, and [0-9.]+ GiB of the (machine|control group)'s [0-9.]+ GiB are free[.]\n$", output);
        Assert.False(Directory.Exists(folder["run"]));
        var json = JsonDocument.Parse(File.ReadAllText(folder["plan.json"])).RootElement;
        Assert.Equal((true, 2), (json.GetProperty("fits").GetBoolean(), json.GetProperty("stages")[0].GetProperty("steps").GetInt32()));
    }

    [Fact]
    public void A_run_that_does_not_fit_has_an_exit_code_of_its_own_and_says_what_would()
    {
        var (exit, output, _) = Type(folder["run.yaml"], "--output", folder["run"], "--seconds", "1", "--threads", "1",
            "--set", "students.0.architecture.hidden_size=32768", "--set", "students.0.architecture.num_hidden_layers=64");
        Assert.Equal(4, exit);
        Assert.Contains("reckoned\n", output, StringComparison.Ordinal);
        Assert.Contains("\nThe run does not fit: it needs ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_found_out_before_anything_is_measured()
    {
        foreach (var target in new[] { folder["run.yaml/plan.json"], Path.GetDirectoryName(folder["run.yaml"])! })
        {
            var (_, output, error) = Type(folder["run.yaml"], "--seconds", "1", "--threads", "1", "--json", target);
            Assert.Equal("", output);
            Assert.Contains(Path.GetDirectoryName(folder["run.yaml"])!, error, StringComparison.Ordinal);
            Assert.DoesNotContain("measure: ", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_bad_run_file_is_refused_as_by_the_run()
    {
        File.AppendAllText(folder["run.yaml"], "\narm: [both]\n");
        using var error = new StringWriter();
        Assert.Equal(2, CommandLine.Run(["run", folder["run.yaml"]], TextWriter.Null, error));
        var planned = Type(folder["run.yaml"]);
        Assert.Equal((2, error.ToString()), (planned.Exit, planned.Error));
    }

    [Fact]
    public void The_table_is_read_from_left_to_right()
    {
        var plan = new PlanResult("/runs/toy", "cpu", 2,
            [
                new StagePlan("pretrain", 1, 1, 263, 0, 120, 0, null, 0, null, PlanBasis.None),
                new StagePlan("tune", 1, 0, 240, 131_100, 900, 75, null, 9L << 30, null, PlanBasis.FewerBlocks),
                new StagePlan("generate", 1, 0, 384, 4_053, null, 40, 60, 2L << 30, null, PlanBasis.Measured),
                new StagePlan("small.both", 3, 1, 100, 1_000, 50, 9, null, 1L << 29, null, PlanBasis.Measured),
            ],
            133, 9L << 30, null, new MachineMemory(8L << 30, 6L << 30, "machine"), null, false,
            [
                new PlanAdvice("tune", ["teacher.tune.batch_size=4", "teacher.tune.gradient_accumulation_steps=4"], 5L << 30, true, ""),
                new PlanAdvice("tune", ["teacher.tune.gradient_checkpointing=true"], 7L << 30, false, "steps take about a third longer"),
            ],
            ["Half pass."], 12);
        Assert.Equal("""
            stage                    rows   tokens  steps                 time     memory
            pretrain                  263             120                 done
            tune                      240  131,100    900                 1:15   9.00 GiB  from a few blocks
            generate                  384    4,053         0:40 (at most 1:00)   2.00 GiB
            small.both  1 of 3 done   100    1,000     50            2 x 9.0 s  512.0 MiB
            total                                                         2:13   9.00 GiB

            Half pass.
            Measured for 12 s on cpu with 2 threads; whatever else the machine does meanwhile changes the times.

            The run does not fit: it needs 9.00 GiB, and 6.00 GiB of the machine's 8.00 GiB are free.

            tune, any of:
              setting                                                                             memory
              --set teacher.tune.batch_size=4 --set teacher.tune.gradient_accumulation_steps=4  5.00 GiB        fits
              --set teacher.tune.gradient_checkpointing=true                                    7.00 GiB  not enough  steps take about a third longer

            """, PlanVerb.Table(plan).ReplaceLineEndings("\n"));
    }

    private static (int Exit, string Output, string Error) Type(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (CommandLine.Run(["plan", .. args], output, error), output.ToString(), error.ToString());
    }
}
