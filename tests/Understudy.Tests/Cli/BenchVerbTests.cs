using Understudy.Cli;
using Understudy.Recipes;

namespace Understudy.Tests.Cli;

public sealed class BenchVerbTests
{
    private static readonly string[] Tiny = ["--set", "vocab_size=50", "--set", "architecture.hidden_size=16", "--set", "architecture.num_attention_heads=2", "--set", "architecture.num_hidden_layers=1", "--set", "gemm_size=32", "--set", "batch_size=2", "--set", "row_length=8", "--set", "repeats=1"];

    [Fact]
    public void One_measurement_runs_here_and_shows_a_table_and_a_profile()
    {
        var (exit, output, _) = Run(["bench", "--shape", "minilm", "--set", "precisions=[fp32]", "--profile", "--set", "profile_steps=2", .. Tiny]);
        Assert.Equal(0, exit);
        Assert.Contains("minilm: BERT classifier, 1 layers, width 16, 2 heads, vocabulary 50, dropout 0.1: 12,642 parameters, 3,618 of them without the input embeddings\n", output, StringComparison.Ordinal);
        Assert.Matches(@"\nshape +precision +batch +threads +ms/step +tokens/s +rows/s +GEMM GFLOP/s +work/GEMM +peak GiB\nminilm +fp32 +2 x 8 ", output);
        Assert.Contains("where a step's time goes, over 2 steps:\n", output, StringComparison.Ordinal);
        Assert.Matches(@"\na step +[0-9.]+ +100.0%\n", output);
    }

    [Fact]
    public void Several_measurements_run_in_processes_of_their_own()
    {
        using var folder = new TemporaryFolder();
        var file = folder["bench.json"];
        using var program = new ProgramProcess(["bench", "--shape", "neox-mini", "--set", "precisions=[bf16,fp32]", "--threads", "1", "--json", file, .. Tiny]);
        var (exit, output, _) = program.End();
        Assert.Equal(0, exit);
        Assert.Contains("neox-mini  bf16 ", output, StringComparison.Ordinal);
        var report = BenchReport.Read(file);
        Assert.Equal(["Bf16 1", "Fp32 1"], report.Results.SelectMany(result => result.Figures).Select(figures => $"{figures.Precision} {figures.Threads}"));
        Assert.All(report.Results, result => Assert.Equal("neox-mini", result.Shape));
    }

    [Fact]
    public void An_earlier_file_says_what_is_measured_and_is_compared_with()
    {
        using var folder = new TemporaryFolder();
        var file = folder["bench.json"];
        Assert.Equal(0, Run(["bench", "--shape", "minilm", "--set", "precisions=[fp32]", "--json", file, .. Tiny]).Exit);
        var (exit, output, error) = Run(["bench", "--against", file, .. Tiny]);
        Assert.Equal(0, exit);
        // The program that wrote it is this one, so there is nothing to run in turns with.
        Assert.DoesNotContain("built anew", error, StringComparison.Ordinal);
        Assert.Matches(@"\nAgainst the measurement of [-0-9]+ [0-9:]+ UTC \(version [0-9.]+, build [0-9a-f]{16}\); the 95% intervals cover what varied while each was measured, not what changed on the machine between them:\n", output);
        Assert.Matches(@"\nminilm +fp32 +tokens/s +[0-9]+ +[0-9,]+ +[0-9,]+ +[0-9.]+\n", output);
        Assert.DoesNotContain("bf16", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_program_is_measured_in_turns()
    {
        using var folder = new TemporaryFolder();
        var file = folder["bench.json"];
        using var program = new ProgramProcess(["bench", "--shape", "neox-mini", "--set", "precisions=[fp32]", "--threads", "1", "--against-program", Path.Combine(AppContext.BaseDirectory, "Understudy.Cli.dll"), "--turns", "2", "--json", file, .. Tiny]);
        var (exit, output, error) = program.End();
        Assert.Equal((0, ""), (exit, exit == 0 ? "" : error));
        Assert.Contains(", 2 turns each; ratios are means of the turns with their 95% intervals:\n", output, StringComparison.Ordinal);
        var report = BenchReport.Read(file);
        Assert.Equal(2, Assert.Single(report.Results[0].Figures).Rounds.Count);
        var change = Assert.Single(report.Comparisons).Changes[0];
        Assert.Equal(("tokens/s", 2), (change.Figure, change.Ratios.Count));
        Assert.InRange(change.Ratio, change.Interval!.Value.Lower, change.Interval.Value.Upper);
    }

    [Theory]
    [InlineData("--threads: expected a whole number of at least 1, found '0'.\n'understudy bench --help' explains, with an example.\n", "--threads", "1,0")]
    [InlineData("--threads: expected a whole number of at least 0, found 'two'.\n'understudy bench --help' explains, with an example.\n", "--threads", "two")]
    [InlineData("There is no shape 'mini'. Did you mean 'minilm'? There are: neox-mini, neox-70m, neox-160m, neox-410m, neox-410m-lora, minilm, minilm-rows, roberta-base, roberta-large, bart-large, and all.\n", "--shape", "mini")]
    [InlineData("--against-program: there is no file '/nowhere/understudy'. Name the executable of a build of Understudy, or its Understudy.Cli.dll.\n", "--against-program", "/nowhere/understudy")]
    [InlineData("/nowhere/a.json: there is no such file. 'understudy bench --json FILE' writes one.\n", "--against", "/nowhere/a.json")]
    [InlineData("--turns: expected a whole number of at least 2, found '1'.\n'understudy bench --help' explains, with an example.\n", "--turns", "1")]
    [InlineData("Option '--text' is required.\n'understudy bench curve --help' explains, with an example.\n", "curve")]
    public void What_cannot_be_measured_is_refused(string expected, params string[] args) => Assert.Equal((2, "", expected), Run(["bench", .. args]));

    private static (int Exit, string Output, string Error) Run(params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        return (CommandLine.Run(args, output, error), output.ToString(), error.ToString());
    }
}
