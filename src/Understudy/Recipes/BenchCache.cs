using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>Memory of generation.</summary>
internal static class BenchCache
{
    private const double WasteGoal = 0.1;
    private const double GrowthGoal = 0.01;

    // Bytes of a number of a key or a value in bfloat16.
    private const int NumberBytes = 2;

    // Rows that are so short that many end at once.
    private const int ShortPrompt = 8;
    private const int ShortText = 4;

    /// <summary>
    /// <see cref="BenchGenerateItem.Cache"/>: rows with prompts of all lengths that begin and end in the same steps, so that at the last step each holds the keys and values of all its tokens but the newest.
    /// Waste is what the engine held then beside those.
    /// </summary>
    internal static BenchGenerateRow Waste(BenchStand stand, string shape, ICausalLanguageModel model, BenchArchitectureOptions architecture)
    {
        var options = stand.Options;
        var rounds = stand.Rounds(options.Repeats, false, round =>
        {
            var random = stand.Random.Fork("cache", round);
            var settings = BenchStand.Settings(options.NewTokens);
            List<EngineRequest> requests = [.. Enumerable.Range(0, options.Rows).Select(_ => new GenerationRequest(BenchStand.Tokens(Drawn(), model.VocabularySize, random), settings))];
            // Beginnings that an engine before kept are in pages of the same model.
            PackedModel.Forget(model);
            var (_, statistics) = stand.Run(model, requests, stand.Engine with { PromptTokensPerStep = Math.Max(16, options.Rows * options.LongestPrompt) });
            var tokens = requests.Sum(request => (long)request.Tokens.Count) + (requests.Count * (options.NewTokens - 1L));
            var needed = 2.0 * NumberBytes * tokens * architecture.NumHiddenLayers * architecture.HiddenSize;
            return new Dictionary<string, double> { [BenchStand.Rate] = statistics.PeakCacheBytes / (double)(1 << 20), ["MiB of the tokens"] = needed / (1 << 20), ["waste"] = 1 - (needed / statistics.PeakCacheBytes), ["rows at once"] = statistics.PeakRows };

            int Drawn() => options.ShortestPrompt + random.NextInt(options.LongestPrompt - options.ShortestPrompt + 1);
        });
        return new BenchGenerateRow(
            BenchGenerateItem.Cache, shape, $"bytes of keys and values in bf16 held at the peak, {options.Rows} rows at once with prompts of {options.ShortestPrompt} to {options.LongestPrompt} tokens and {options.NewTokens} new ones; waste is the share that no token needs",
            BenchDecoding.Rate(rounds), "MiB", null, null, null, new BenchGoal("waste", Bench.Median(rounds.Select(round => round.Figures["waste"])), WasteGoal, AtMost: true), rounds);
    }

    /// <summary><see cref="BenchGenerateItem.Growth"/>: what the process holds after the last row beside what it held after a tenth of them, garbage of .NET collected both times.</summary>
    internal static BenchGenerateRow Growth(BenchStand stand, string shape, ICausalLanguageModel model)
    {
        var options = stand.Options;
        var rounds = stand.Rounds(options.JobRepeats, false, round =>
        {
            var (before, done) = (0L, 0);
            using var narrow = Torch.torch.autocast(Torch.ScalarType.BFloat16);
            using var engine = new InferenceEngine(model, new EngineOptions { MaxRows = options.Rows });
            foreach (var _ in engine.Run(Rows(model, options.GrowthRows, stand.Random.Fork("growth", round)), cancellation: stand.Cancel))
            {
                if (++done == options.GrowthRows / 10) before = Held();
            }

            var after = Held();
            return new Dictionary<string, double> { [BenchStand.Rate] = (after - before) / (double)(1 << 20), ["MiB held"] = after / (double)(1 << 20), ["growth"] = Math.Max(0, (double)(after - before) / before) };
        });
        return new BenchGenerateRow(
            BenchGenerateItem.Growth, shape, FormattableString.Invariant($"what the process grew by from row {options.GrowthRows / 10:N0} to row {options.GrowthRows:N0}, prompts of {ShortPrompt} tokens and {ShortText} new ones, beginnings kept as by default"),
            BenchDecoding.Rate(rounds), "MiB", null, null, null, new BenchGoal("growth", Bench.Median(rounds.Select(round => round.Figures["growth"])), GrowthGoal, AtMost: true), rounds);
    }

    // One by one: a list of them would be in the memory that is looked at.
    private static IEnumerable<EngineRequest> Rows(ICausalLanguageModel model, int count, SeededRandom random)
    {
        var settings = BenchStand.Settings(ShortText);
        for (var i = 0; i < count; i++) yield return new GenerationRequest(BenchStand.Tokens(ShortPrompt, model.VocabularySize, random), settings);
    }

    private static long Held()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return MachineMemory.Resident;
    }
}
