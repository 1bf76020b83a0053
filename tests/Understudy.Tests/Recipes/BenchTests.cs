using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

public sealed class BenchTests
{
    private static readonly BenchOptions Tiny = new()
    {
        Architecture = new ArchitectureOptions { Family = ArchitectureFamily.GptNeox, NumHiddenLayers = 1, HiddenSize = 16, NumAttentionHeads = 2, MaxPositionEmbeddings = 16, Dropout = 0 },
        VocabSize = 50, BatchSize = 2, RowLength = 8, GenerationRows = 2, PromptLength = 4, NewTokens = 4, GemmSize = 32, Repeats = 2,
    };

    [Fact]
    public void Every_rate_of_every_precision_is_measured()
    {
        var result = Bench.Run(Tiny, Device.CPU, RunProgress.None);
        Assert.Equal([PrecisionMode.Fp32, PrecisionMode.Bf16], result.Figures.Select(figures => figures.Precision));
        Assert.Equal(result.Parameters - (50 * 16), result.CountedParameters);
        Assert.InRange(result.PeakMemoryBytes, 10_000_000, long.MaxValue);
        Assert.All(result.Figures, figures =>
        {
            Assert.All(new[] { figures.GemmRate, figures.StepSeconds, figures.TrainingShare, figures.PromptTokensPerSecond!.Value, figures.GeneratedTokensPerSecond!.Value }, rate => Assert.True(rate > 0 && double.IsFinite(rate)));
            Assert.Equal(16 / figures.StepSeconds, figures.TrainingTokensPerSecond, 1e-6 * figures.TrainingTokensPerSecond);
        });
    }

    [Fact]
    public void A_tied_embedding_counts_because_it_is_multiplied_with()
    {
        var tied = Tiny with { Architecture = Tiny.Architecture with { TieWordEmbeddings = true }, GenerationRows = 0, Repeats = 1, Precisions = [PrecisionMode.Fp32] };
        var result = Bench.Run(tied, Device.CPU, RunProgress.None);
        Assert.Equal(result.Parameters, result.CountedParameters);
        Assert.Null(Assert.Single(result.Figures).GeneratedTokensPerSecond);
    }

    [Fact]
    public void Options_out_of_range_are_named()
    {
        var thrown = Assert.Throws<RunFileException>(() => RunFile.Parse<BenchOptions>("", "command line", ["repeats=0", "row_length=600", "precisions=[]", "architecture.family=bert"]));
        Assert.Contains("expected at least 1, found 0.", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("a row would have 600 tokens, and 'architecture.max_position_embeddings' is 512. Lower the one or raise the other.", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("expected at least one of fp32 and bf16, found none.", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("expected gpt_neox, found bert.", thrown.Message, StringComparison.Ordinal);
    }
}
