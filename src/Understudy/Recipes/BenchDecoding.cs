using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>New tokens and prompts of rows of equal length.</summary>
/// <remarks>
/// New tokens are those after the first one, which comes with the prompt: a run with one new token is taken off a run with all of them, both by <see cref="InferenceEngine.Run"/>. Picking tokens, the
/// bookkeeping of rows and pages and the making of results are in both.
/// </remarks>
internal static class BenchDecoding
{
    // Times the best of the other engines; the mini shape is nothing but overhead there.
    private const double DecodeGoal = 2;
    private const double MiniGoal = 3;

    // Shares of the rates of the memory and of the product, and times bfloat16.
    private const double OneRowGoal = 0.85;
    private const double PromptGoal = 0.75;
    private const double Int8Goal = 1.6;

    /// <summary><see cref="BenchGenerateItem.Decode"/>.</summary>
    internal static BenchGenerateRow Decode(BenchStand stand, string shape, ICausalLanguageModel model)
    {
        var options = stand.Options;
        var work = BenchInferenceWork.Of(model);
        var rounds = stand.Rounds(options.Repeats, true, round => Figures(stand, model, options.Rows, stand.Random.Fork("decode", round)));
        var other = PublishedRates.Of(BenchGenerateItem.Decode, shape, options, rounds);
        return new BenchGenerateRow(
            BenchGenerateItem.Decode, shape, $"{options.Rows} rows at once, {options.NewTokens} new tokens after prompts of {options.PromptLength}; the time of the prompts and their first tokens taken off",
            Rate(rounds), "tokens/s", GemmShare(rounds, work.PerToken + work.PerLogits), MemoryShare(rounds, (double)work.WeightBytes / options.Rows), other,
            other is null ? null : new BenchGoal("x the best other engine, scaled", other.Ratio, shape == "neox-mini" ? MiniGoal : DecodeGoal), rounds);
    }

    /// <summary><see cref="BenchGenerateItem.DecodeOne"/>.</summary>
    internal static BenchGenerateRow DecodeOne(BenchStand stand, string shape, ICausalLanguageModel model)
    {
        var options = stand.Options;
        var work = BenchInferenceWork.Of(model);
        var rounds = stand.Rounds(options.Repeats, true, round => Figures(stand, model, 1, stand.Random.Fork("decode one", round)));
        var share = MemoryShare(rounds, work.WeightBytes);
        return new BenchGenerateRow(
            BenchGenerateItem.DecodeOne, shape, FormattableString.Invariant($"one row, {options.NewTokens} new tokens after a prompt of {options.PromptLength}, the time of the prompt taken off; {work.WeightBytes / 1e6:N1} MB of weights are read for a token"),
            Rate(rounds), "tokens/s", GemmShare(rounds, work.PerToken + work.PerLogits), share, null, new BenchGoal("of the memory rate", share, OneRowGoal), rounds);
    }

    /// <summary><see cref="BenchGenerateItem.Prompt"/>: runs with one new token.</summary>
    internal static BenchGenerateRow Prompt(BenchStand stand, string shape, ICausalLanguageModel model)
    {
        var options = stand.Options;
        var work = BenchInferenceWork.Of(model);
        var rounds = stand.Rounds(options.Repeats, true, round =>
        {
            var (seconds, _) = stand.Run(model, BenchStand.Requests(model, options.Rows, options.PromptLength, 1, stand.Random.Fork("prompt", round)), stand.Engine);
            return new Dictionary<string, double> { [BenchStand.Rate] = options.Rows * options.PromptLength / seconds };
        });
        var share = GemmShare(rounds, work.Operations(options.PromptLength, 1) / options.PromptLength);
        return new BenchGenerateRow(
            BenchGenerateItem.Prompt, shape, $"{options.Rows} prompts of {options.PromptLength} tokens, logits of the last token of each",
            Rate(rounds), "tokens/s", share, null, PublishedRates.Of(BenchGenerateItem.Prompt, shape, options, rounds), new BenchGoal("of the product's rate", share, PromptGoal), rounds);
    }

    /// <summary><see cref="BenchGenerateItem.Int8"/>.</summary>
    internal static BenchGenerateRow Int8(BenchStand stand, string shape, ICausalLanguageModel model, ICausalLanguageModel narrow)
    {
        var options = stand.Options;
        var work = BenchInferenceWork.Of(narrow);
        var rounds = stand.Rounds(options.Repeats, true, round =>
        {
            var wide = Figures(stand, model, 1, stand.Random.Fork("int8", round))[BenchStand.Rate];
            var own = Figures(stand, narrow, 1, stand.Random.Fork("int8", round))[BenchStand.Rate];
            return new Dictionary<string, double> { [BenchStand.Rate] = own, ["bf16 tokens/s"] = wide, ["x bf16"] = own / wide };
        });
        var bytes = (double)BenchInferenceWork.Of(model).WeightBytes / work.WeightBytes;
        return new BenchGenerateRow(
            BenchGenerateItem.Int8, shape, FormattableString.Invariant($"one row in int8 (the output layer in {(options.Int8Output ? "int8" : "bf16")}), in turns with bf16; {work.WeightBytes / 1e6:N1} MB of weights are read for a token, {bytes:0.00} times fewer"),
            Rate(rounds), "tokens/s", GemmShare(rounds, work.PerToken + work.PerLogits), MemoryShare(rounds, work.WeightBytes), null, new BenchGoal("x bf16", Bench.Median(rounds.Select(round => round.Figures["x bf16"])), Int8Goal), rounds);
    }

    /// <summary>The same model with its linear layers in int8, from the same seed.</summary>
    internal static ICausalLanguageModel InInt8(BenchOptions options, bool output) =>
        (ICausalLanguageModel)BenchModel.Build(options, new Int8Parameters(new RandomParameters(options.Seed, 0.02), output), Device.CPU);

    /// <summary>The median rate.</summary>
    internal static double Rate(IReadOnlyList<BenchGenerateRound> rounds) => Bench.Median(rounds.Select(round => round.Figures[BenchStand.Rate]));

    /// <summary>Operations of each of what is counted a second, over the rate of the product.</summary>
    internal static double GemmShare(IReadOnlyList<BenchGenerateRound> rounds, double operations) => Bench.Median(rounds.Select(round => round.Figures[BenchStand.Rate] * operations / round.GemmRate));

    private static double MemoryShare(IReadOnlyList<BenchGenerateRound> rounds, double bytes) => Bench.Median(rounds.Select(round => round.Figures[BenchStand.Rate] * bytes / round.MemoryRate));

    private static Dictionary<string, double> Figures(BenchStand stand, ICausalLanguageModel model, int rows, SeededRandom random)
    {
        var options = stand.Options;
        var requests = BenchStand.Requests(model, rows, options.PromptLength, options.NewTokens, random);
        var one = BenchStand.Settings(1);
        var (first, _) = stand.Run(model, requests.Select(request => new GenerationRequest(request.Tokens, one)), stand.Engine);
        var (all, statistics) = stand.Run(model, requests, stand.Engine);
        // Noise may make the longer run the shorter one at toy sizes; a rate is never negative.
        return new Dictionary<string, double> { [BenchStand.Rate] = (statistics.NewTokens - rows) / Math.Max(all - first, 1e-9), ["prompt seconds"] = first, ["seconds"] = all };
    }

    /// <summary>Matrices in int8, others as they come.</summary>
    private sealed class Int8Parameters(IParameterSource inner, bool output) : IParameterSource
    {
        public Tensor Take(string name, ParameterInit init, params ReadOnlySpan<long> shape) => inner.Take(name, init, shape);

        public ILinearWeight TakeLinear(string name, long inFeatures, long outFeatures, LinearLayout layout, bool quantizable)
        {
            if (!quantizable && !output) return inner.TakeLinear(name, inFeatures, outFeatures, layout, quantizable);
            using var wide = Take(name, ParameterInit.Normal, outFeatures, inFeatures);
            return Int8Weight.Quantize(name, wide);
        }
    }
}
