using System.Text.Json.Nodes;
using Understudy.Cli;

namespace Understudy.Tests.Cli;

public sealed class BenchGenerateVerbTests
{
    [Fact]
    public void The_table_has_a_line_for_every_row_and_says_what_each_counted()
    {
        using var folder = new TemporaryFolder();
        var file = folder["generate.json"];
        var (exit, output, error) = Run(["bench", "generate", "--quick", "--only", "decode_one,labels,beams", "--set", "repeats=2", "--json", file]);
        Assert.Equal((0, ""), (exit, exit == 0 ? "" : error));
        Assert.Contains("override repeats=2\n", error, StringComparison.Ordinal);
        Assert.Matches(@"\nproduct of two 64 square matrices: [0-9,]+ GFLOP/s; memory: [0-9.]+ GB/s \(medians of all rounds; shares are of those of the same round\)\n\n", output);
        Assert.Matches(@"\nrow +shape +measured against the goal +rate +work/GEMM +weights/memory +value +goal +value/goal\n", output);
        Assert.Matches(@"\ndecode_one +tiny +of the memory rate +[0-9.,]+ tokens/s +[0-9.]+% +[0-9.]+% +[0-9.]+ +>= 0.85 +[0-9.]+\n", output);
        Assert.Matches(@"\nlabels +tiny +x a prompt for every label +[0-9.,]+ rows/s +[0-9.]+% +[0-9.]+ +>= 15.00 +[0-9.]+\n", output);
        Assert.Matches(@"\nbeams +tiny-bart +[0-9.,]+ rows/s +[0-9.]+%\n", output);
        Assert.Matches(@"\nbeams tiny-bart \(2 rounds\): 2 sources of 6 tokens at once, 2 beams, 4 new tokens\. new tokens/s [0-9.,]+\n", output);
        // No other engine has published rates of tiny models.
        Assert.DoesNotContain("other, scaled", output, StringComparison.Ordinal);
        var report = JsonNode.Parse(File.ReadAllText(file))!;
        Assert.Equal(["decode_one", "labels", "beams"], report["rows"]!.AsArray().Select(row => row!["item"]!.GetValue<string>()));
        Assert.Equal(2, report["rows"]![0]!["rounds"]!.AsArray().Count);
        Assert.Equal(2, report["options"]!["repeats"]!.GetValue<int>());
        Assert.Equal(4, report["options"]!["rows"]!.GetValue<int>());
    }

    [Fact]
    public void Published_rates_are_said_to_be_scaled()
    {
        var (exit, output, error) = Run(["bench", "generate", "--quick", "--only", "classify", "--shape", "minilm", "--set", "classify_rows=64", "--set", "classify_length=64"]);
        Assert.Equal((0, ""), (exit, exit == 0 ? "" : error));
        Assert.Matches(@"\nclassify +minilm +of the product's rate +[0-9.,]+ rows/s +[0-9.]+% +[0-9.,]+ +[0-9.]+ +[0-9.]+ +>= 0.75 +[0-9.]+\n", output);
        Assert.Contains("\nother, scaled: the best published rate of another engine, measured where the product ran at 800 GFLOP/s, times this machine's product over that one. No other engine was run here.\n", output, StringComparison.Ordinal);
        Assert.Contains(" transformers: 387 rows/s published. ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--only: expected one of decode, decode_one, prompt, int8, labels, prefix, mixed, beams, cache, growth, classify, predict, found 'label'. Did you mean 'labels'?\n'understudy bench generate --help' explains, with an example.\n", "--only", "decode,label")]
    [InlineData("There is no shape 'neox-70' to generate with. Did you mean 'neox-70m'? There are: neox-mini, neox-70m, neox-160m, neox-410m, minilm, roberta-base, roberta-large, bart-large, tiny, tiny-bart, tiny-bert.\n", "--shape", "neox-70")]
    [InlineData("--threads: expected a whole number of at least 0, found 'two'.\n'understudy bench generate --help' explains, with an example.\n", "--threads", "two")]
    public void What_cannot_be_measured_is_refused(string expected, params string[] args) => Assert.Equal((2, "", expected), Run(["bench", "generate", .. args]));

    private static (int Exit, string Output, string Error) Run(params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        return (CommandLine.Run(args, output, error), output.ToString(), error.ToString());
    }
}
