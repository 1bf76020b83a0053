using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Understudy.Generation;
using Understudy.Models;

namespace Understudy.Parity;

/// <summary>What a causal model generates and how it scores completions, against the reference.</summary>
internal static partial class CausalGenerationParity
{
    private const int MostBeamTokens = 16;

    internal static IEnumerable<ParityCheck> Run(GoldenTensors golden, ICausalLanguageModel model)
    {
        int[][] rows = [.. golden.Value("rows").EnumerateArray().Select(ReferenceJson.Integers)];
        if (golden.Has("completion_logprobs")) yield return Completions(golden, model, rows);
        foreach (var reference in golden.Json.EnumerateObject())
        {
            if (reference.Value.ValueKind == JsonValueKind.Array && BeamName().Match(reference.Name) is { Success: true } beams)
                yield return Beam(golden, model, rows, reference, beams);
            else if (reference.Value.ValueKind == JsonValueKind.Array && GreedyName().Match(reference.Name) is { Success: true } settings)
                yield return Greedy(golden, model, rows, reference, settings);
        }
    }

    private static ParityCheck Completions(GoldenTensors golden, ICausalLanguageModel model, int[][] rows)
    {
        int[][] completions = [.. golden.Value("completions").EnumerateArray().Select(ReferenceJson.Integers)];
        double[][] expected = [.. golden.Value("completion_logprobs").EnumerateArray().Select(ReferenceJson.Doubles)];
        var (difference, tokens) = (0.0, 0);
        for (var i = 0; i < rows.Length; i++)
        {
            var found = new LabelScorer(model, [completions[i]]).Score([rows[i]]).Single().TokenLogProbabilities(0);
            foreach (var (a, b) in found.Zip(expected[i], (a, b) => (a, b)))
            {
                tokens++;
                if (!(Math.Abs(a - b) <= difference)) difference = Math.Abs(a - b);
            }
        }

        return ParityCheck.Of("completion_logprobs", difference, ModelTolerances.LogProbability, $"{tokens} tokens");
    }

    private static ParityCheck Greedy(GoldenTensors golden, ICausalLanguageModel model, int[][] rows, JsonProperty reference, Match settings)
    {
        int[][] expected = [.. reference.Value.EnumerateArray().Select(ReferenceJson.Integers)];
        var longest = expected.Max(row => row.Length);
        var padding = golden.Value("pad_token_id").GetInt32();
        int[] stop = settings.Groups["noeos"].Success ? [] : EndTokens(golden.Json);
        var options = new SamplingOptions { DoSample = false, MaxNewTokens = longest };
        if (settings.Groups["penalty"] is { Success: true } penalty) options = options with { RepetitionPenalty = double.Parse(penalty.ValueSpan, CultureInfo.InvariantCulture) };
        if (settings.Groups["ngram"] is { Success: true } ngram) options = options with { NoRepeatNgramSize = int.Parse(ngram.ValueSpan, CultureInfo.InvariantCulture) };

        var generator = new TextGenerator(model, LogitsProcessors.From(options, [], stop), doSample: false, new StopCondition(stop, [], longest, _ => ""));
        var unequal = 0;
        foreach (var text in generator.Generate([.. rows.Select(row => new GenerationPrompt(row))]))
        {
            var padded = text.Tokens.Concat(Enumerable.Repeat(padding, longest)).Take(expected[text.Prompt].Length);
            if (!padded.SequenceEqual(expected[text.Prompt])) unequal++;
        }

        return ParityCheck.Of(reference.Name, unequal, 0, $"{expected.Length} rows of at most {longest} tokens");
    }

    private static ParityCheck Beam(GoldenTensors golden, ICausalLanguageModel model, int[][] rows, JsonProperty reference, Match settings)
    {
        int[][] expected = [.. reference.Value.EnumerateArray().Select(ReferenceJson.Integers)];
        var longest = expected.Max(row => row.Length);
        // The reference stops there; a shorter end would cut texts that lost to others.
        var room = Math.Max(longest, MostBeamTokens);
        int[] stop = settings.Groups["noeos"].Success ? [] : EndTokens(golden.Json);
        var options = new BeamSearchOptions { NumBeams = int.Parse(settings.Groups["beams"].ValueSpan, CultureInfo.InvariantCulture) };
        var search = new BeamSearch(model, [], options, new StopCondition(stop, [], room, _ => ""));
        // The reference fills short rows with the padding's id, or where that is 0 with the end's.
        int[] fill = [golden.Value("pad_token_id").GetInt32(), .. stop];
        var unequal = search.Generate(rows).Count(text => !SequenceToSequenceGenerationParity.IsEqual([.. text.Tokens], expected[text.Prompt], fill));
        return ParityCheck.Of(reference.Name, unequal, 0, $"{expected.Length} rows of at most {room} tokens");
    }

    private static int[] EndTokens(JsonElement golden) => golden.TryGetProperty("eos_token_id", out var end)
        ? end.ValueKind == JsonValueKind.Array ? ReferenceJson.Integers(end) : end.ValueKind == JsonValueKind.Number ? [end.GetInt32()] : []
        : [];

    [GeneratedRegex(@"^beam_(?<beams>\d+)(?<noeos>_without_eos)?$")]
    private static partial Regex BeamName();

    [GeneratedRegex(@"^greedy(?<noeos>_without_eos)?(_repetition_penalty_(?<penalty>\d+(\.\d+)?))?(_no_repeat_ngram_(?<ngram>\d+))?$")]
    private static partial Regex GreedyName();
}
