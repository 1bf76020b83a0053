using Understudy.Generation;
using Understudy.Models;

namespace Understudy.Recipes;

/// <summary>Prompts that begin alike, as those with examples do, in turns with an engine that keeps no beginnings.</summary>
internal static class BenchPrefix
{
    private const double Goal = 5;

    /// <summary><see cref="BenchGenerateItem.Prefix"/>. Every round has a beginning of its own, so that its computing is in the time.</summary>
    internal static BenchGenerateRow Measure(BenchStand stand, string shape, ICausalLanguageModel model)
    {
        var options = stand.Options;
        var work = BenchInferenceWork.Of(model);
        var rounds = stand.Rounds(options.Repeats, true, round =>
        {
            var random = stand.Random.Fork("prefix", round);
            var prefix = BenchStand.Tokens(options.PrefixLength, model.VocabularySize, random);
            var settings = BenchStand.Settings(options.PrefixNewTokens);
            List<EngineRequest> requests = [.. Enumerable.Range(0, options.PrefixPrompts).Select(_ => new GenerationRequest([.. prefix, .. BenchStand.Tokens(options.PrefixOwnLength, model.VocabularySize, random)], settings))];
            var (seconds, statistics) = stand.Run(model, requests, new EngineOptions { MaxRows = options.Rows });
            var (without, _) = stand.Run(model, requests, stand.Engine);
            var tokens = statistics.PromptTokens - statistics.PrefixTokens + statistics.NewTokens - requests.Count;
            return new Dictionary<string, double>
            {
                [BenchStand.Rate] = requests.Count / seconds, ["rows/s without"] = requests.Count / without, ["x without"] = without / seconds, ["hit rate"] = statistics.PrefixHitRate,
                ["operations"] = work.Operations(tokens, statistics.NewTokens) / requests.Count,
            };
        });
        return new BenchGenerateRow(
            BenchGenerateItem.Prefix, shape,
            FormattableString.Invariant($"{options.PrefixPrompts:N0} prompts of {options.PrefixLength} tokens in common and {options.PrefixOwnLength} of their own, {options.PrefixNewTokens} new tokens each; more prompts share the computing of the beginning among more"),
            BenchDecoding.Rate(rounds), "rows/s", BenchDecoding.GemmShare(rounds, Bench.Median(rounds.Select(round => round.Figures["operations"]))), null, null,
            new BenchGoal("x without", Bench.Median(rounds.Select(round => round.Figures["x without"])), Goal), rounds);
    }
}
