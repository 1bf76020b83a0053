using System.Globalization;
using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;

namespace Understudy.Recipes;

/// <summary>
/// A job of prompts and texts of all lengths, in turns with one of equal lengths: as many rows, each with the mean prompt and the mean text of the first, rounded. Stop strings are looked for in both and
/// never found, so that a text has as many tokens as were drawn for it.
/// </summary>
/// <remarks>
/// The decode rate of a job is its new tokens a second without the first one of every row, the time of the prompts taken off: their tokens at the prompt rate, which is measured in the same round with
/// rows of the mean prompt and one new token. Every token is taken off once, whether it shared a step with others or not.
/// </remarks>
internal static class BenchMixedJob
{
    private const double Goal = 0.9;

    // Texts are hexadecimal numbers, which hold neither.
    private static readonly string[] StopStrings = ["\n\n", "###"];

    /// <summary><see cref="BenchGenerateItem.Mixed"/>.</summary>
    internal static BenchGenerateRow Measure(BenchStand stand, string shape, ICausalLanguageModel model)
    {
        var options = stand.Options;
        var work = BenchInferenceWork.Of(model);
        var (meanPrompt, meanText) = (0, 0);
        var rounds = stand.Rounds(options.JobRepeats, false, round =>
        {
            var random = stand.Random.Fork("mixed", round);
            var lengths = Enumerable.Range(0, options.MixedPrompts).Select(_ => (Prompt: Drawn(options.ShortestPrompt, options.LongestPrompt), Text: Drawn(options.ShortestText, options.LongestText))).ToList();
            meanPrompt = (int)Math.Round(lengths.Average(row => row.Prompt));
            meanText = Math.Max(2, (int)Math.Round(lengths.Average(row => row.Text)));
            var (seconds, counted) = stand.Run(model, BenchStand.Requests(model, options.Rows, meanPrompt, 1, random), stand.Engine);
            var promptRate = counted.PromptTokens / seconds;
            var mixed = DecodeRate(stand, model, lengths, promptRate, random);
            var equal = DecodeRate(stand, model, [.. lengths.Select(_ => (meanPrompt, meanText))], promptRate, random);
            return new Dictionary<string, double> { [BenchStand.Rate] = mixed, ["tokens/s at equal lengths"] = equal, ["prompt tokens/s"] = promptRate, ["of equal lengths"] = mixed / equal };

            int Drawn(int shortest, int longest) => shortest + random.NextInt(longest - shortest + 1);
        });
        return new BenchGenerateRow(
            BenchGenerateItem.Mixed, shape,
            FormattableString.Invariant($"{options.MixedPrompts:N0} prompts of {options.ShortestPrompt} to {options.LongestPrompt} tokens, texts of {options.ShortestText} to {options.LongestText}, stop strings; in turns with prompts of {meanPrompt} and texts of {meanText}; the time of the prompts taken off at their measured rate"),
            BenchDecoding.Rate(rounds), "tokens/s", BenchDecoding.GemmShare(rounds, work.PerToken + work.PerLogits), null, null,
            new BenchGoal("of equal lengths", Bench.Median(rounds.Select(round => round.Figures["of equal lengths"])), Goal), rounds);
    }

    private static double DecodeRate(BenchStand stand, ICausalLanguageModel model, IReadOnlyList<(int Prompt, int Text)> lengths, double promptRate, SeededRandom random)
    {
        var settings = lengths.Select(row => row.Text).Distinct().ToDictionary(most => most, most => new GenerationSettings([], false, new StopCondition([], StopStrings, most, Hexadecimal)));
        List<EngineRequest> requests = [.. lengths.Select(row => new GenerationRequest(BenchStand.Tokens(row.Prompt, model.VocabularySize, random), settings[row.Text]))];
        var (seconds, statistics) = stand.Run(model, requests, stand.Engine);
        // At toy sizes the prompts may seem to take longer than all of it.
        return (statistics.NewTokens - requests.Count) / Math.Max(seconds - (statistics.PromptTokens / promptRate), 1e-9);
    }

    private static string Hexadecimal(ReadOnlySpan<int> tokens)
    {
        var text = new System.Text.StringBuilder();
        foreach (var token in tokens) text.Append(CultureInfo.InvariantCulture, $" {token:x}");
        return text.ToString();
    }
}
