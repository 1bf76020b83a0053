namespace Understudy.Recipes;

/// <summary>What other engines were measured to reach: transformers 5.23 with PyTorch 2.13, and llama.cpp, in bfloat16 with 2 threads on 2 cores of an AMD Zen 5 server; random weights, the better of several runs.</summary>
internal static class PublishedRates
{
    // 750 to 890 GFLOP/s were measured beside them; the goals were set for this one.
    private const double GemmRate = 800e9;

    private const string Transformers = "transformers";

    private static readonly Dictionary<(BenchGenerateItem Item, string Shape), (string Engine, double Rate)> Best = new()
    {
        [(BenchGenerateItem.Decode, "neox-mini")] = (Transformers, 4118),
        [(BenchGenerateItem.Decode, "neox-70m")] = ("llama.cpp", 2091),
        [(BenchGenerateItem.Decode, "neox-160m")] = ("llama.cpp", 956),
        [(BenchGenerateItem.Decode, "neox-410m")] = ("llama.cpp", 312),
        [(BenchGenerateItem.Prompt, "neox-mini")] = (Transformers, 36_900),
        [(BenchGenerateItem.Prompt, "neox-70m")] = (Transformers, 12_600),
        [(BenchGenerateItem.Prompt, "neox-160m")] = (Transformers, 3470),
        [(BenchGenerateItem.Prompt, "neox-410m")] = (Transformers, 1020),
        [(BenchGenerateItem.Beams, "bart-large")] = (Transformers, 1.29),
        [(BenchGenerateItem.Classify, "minilm")] = (Transformers, 387),
    };

    /// <summary>The best of the other engines; null where none was measured, or not with as many rows and tokens.</summary>
    /// <remarks>One row is bound by the memory, whose rate was not measured in the same runs, so there is nothing to scale by.</remarks>
    /// <param name="item">What was measured.</param>
    /// <param name="shape">Name of the shape.</param>
    /// <param name="options">How much was measured.</param>
    /// <param name="rounds">What every round measured; the rate is <see cref="BenchStand.Rate"/>.</param>
    internal static BenchOtherEngine? Of(BenchGenerateItem item, string shape, BenchGenerateOptions options, IReadOnlyList<BenchGenerateRound> rounds)
    {
        if (!Best.TryGetValue((item, shape), out var best) || !IsAlike(item, options)) return null;
        return new BenchOtherEngine(
            best.Engine, best.Rate, GemmRate,
            Bench.Median(rounds.Select(round => best.Rate * round.GemmRate / GemmRate)),
            Bench.Median(rounds.Select(round => round.Figures[BenchStand.Rate] / (best.Rate * round.GemmRate / GemmRate))));
    }

    /// <summary>Whether as much is measured as the other engines were measured with.</summary>
    private static bool IsAlike(BenchGenerateItem item, BenchGenerateOptions options) => item switch
    {
        BenchGenerateItem.Decode => options is { Rows: 64, PromptLength: 64, NewTokens: 64 },
        BenchGenerateItem.Prompt => options is { Rows: 64, PromptLength: 64 },
        BenchGenerateItem.Beams => options is { BeamRows: 8, Beams: 4, SourceLength: 64, TargetLength: 48 },
        BenchGenerateItem.Classify => options is { ClassifyRows: 64, ClassifyLength: 64 },
        _ => false,
    };
}
