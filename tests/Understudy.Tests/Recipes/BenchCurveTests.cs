using System.Xml.Linq;
using Understudy.Cli.Verbs;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Tests.Recipes;

public sealed class BenchCurveTests
{
    private static readonly BenchCurveOptions Tiny = new()
    {
        Architecture = new BenchArchitectureOptions { NumHiddenLayers = 1, HiddenSize = 16, NumAttentionHeads = 2, MaxPositionEmbeddings = 16 },
        VocabSize = 300, BatchSize = 4, RowLength = 8, Steps = 12, Smoothing = 4,
    };

    [Fact]
    public void Both_precisions_train_on_the_same_rows_from_the_same_weights()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["a.txt"], Enumerable.Range(0, 60).Select(i => $"The train number {i} leaves from platform {i % 7}."));
        File.WriteAllText(folder["ignored.md"], "\0");
        var result = BenchCurve.Run([folder.FullName], Tiny, Device.CPU, RunProgress.None);
        Assert.Equal((12, 12), (result.Fp32.Count, result.Bf16.Count));
        // 300 tokens are as likely as each other at the start; the first losses differ by rounding alone.
        Assert.Equal(Math.Log(300), result.Fp32[0], 0.05);
        Assert.Equal(result.Fp32[0], result.Bf16[0], 0.01);
        Assert.NotEqual(result.Fp32, result.Bf16);
        Assert.InRange(result.LargestDifference, 0, 0.01);
        Assert.Equal(result.Fp32, BenchCurve.Run([folder["a.txt"]], Tiny, Device.CPU, RunProgress.None).Fp32);

        BenchCurveVerb.Write(result, folder["out"]);
        Assert.Equal(RunJson.Text(result), RunJson.Text(RunJson.Read<BenchCurveResult>(Path.Combine(folder["out"], "curve.json"))));
        var picture = XDocument.Load(Path.Combine(folder["out"], "curve.svg")).Root!;
        Assert.Equal(2, picture.Elements(XName.Get("polyline", "http://www.w3.org/2000/svg")).Count());
        Assert.Contains("Loss of 12 steps in fp32 and in bf16, means of 4 steps", picture.Value, StringComparison.Ordinal);
        Assert.NotNull(XDocument.Load(Path.Combine(folder["out"], "difference.svg")).Root);
    }

    [Fact]
    public void The_largest_difference_is_that_of_the_smoothed_curves()
    {
        // Smoothed over 2 steps: 4, 3, 2, 2 and 4, 3.1, 1.9, 2.08.
        var result = BenchCurve.Compare(Tiny with { Smoothing = 2 }, 1, [4, 2, 2, 2], [4, 2.2, 1.6, 2.56]);
        Assert.Equal([4, 3.1, 1.9, 2.08], BenchCurve.Smoothed(result.Bf16, 2).Select(value => Math.Round(value, 12)));
        Assert.Equal((0.05, 3, 0.04), (Math.Round(result.LargestDifference, 12), result.LargestAt, Math.Round(result.LastDifference, 12)));
    }

    [Fact]
    public void Too_little_text_and_options_out_of_range_are_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["a.txt"], "The train leaves.\n");
        var thrown = Assert.Throws<InvalidDataException>(() => Run(folder["a.txt"]));
        Assert.Matches(@"a\.txt: 12 steps of 4 x 8 take 384 tokens of text, found [0-9]+\. Give more text, or set fewer 'steps'\.$", thrown.Message);
        Directory.CreateDirectory(folder["empty"]);
        Assert.Equal($"{folder["empty"]}: the folder has no .txt and no .txt.gz file.", Assert.Throws<InvalidDataException>(() => Run(folder["empty"])).Message);
        var faults = Assert.Throws<RunFileException>(() => RunFile.Parse<BenchCurveOptions>("", "command line", ["steps=1", "vocab_size=10", "smoothing=0", "row_length=600", "architecture.family=bart"])).Message;
        Assert.Equal("""
            --set vocab_size=10: vocab_size: expected at least 300, found 10.
            --set steps=1: steps: expected at least 2, found 1.
            --set smoothing=0: smoothing: expected at least 1, found 0.
            --set architecture.family=bart: architecture.family: expected gpt_neox, found bart.
            --set row_length=600: row_length: a row would have 600 tokens, and 'architecture.max_position_embeddings' is 512. Lower the one or raise the other.
            """, faults);

        static void Run(string path) => BenchCurve.Run([path], Tiny, Device.CPU, RunProgress.None);
    }
}
