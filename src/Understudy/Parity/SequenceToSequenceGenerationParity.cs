using System.Text.Json;
using Understudy.Generation;
using Understudy.Models;

namespace Understudy.Parity;

/// <summary>What an encoder-decoder generates, against the reference: token ids and, of beams, scores.</summary>
internal static class SequenceToSequenceGenerationParity
{
    // What changes nothing here: it is in the model, or says how the reference hands texts out.
    private static readonly string[] Known =
    [
        "pad_token_id", "eos_token_id", "bos_token_id", "decoder_start_token_id", "forced_bos_token_id", "forced_eos_token_id", "max_new_tokens", "min_new_tokens", "do_sample", "num_beams",
        "length_penalty", "early_stopping", "no_repeat_ngram_size", "repetition_penalty", "num_return_sequences",
    ];

    internal static IEnumerable<ParityCheck> Run(GoldenTensors golden, ISequenceToSequenceModel model)
    {
        if (!golden.Has("generation")) yield break;
        int[][] sources = [.. golden.Value("sources").EnumerateArray().Select(ReferenceJson.Integers)];
        foreach (var reference in golden.Value("generation").EnumerateObject())
        {
            var settings = new Settings(reference.Value.GetProperty("settings"));
            if (settings.Unknown(Known) is { } unknown)
            {
                yield return ParityCheck.Skip($"generation.{reference.Name}", $"its setting '{unknown}' is not supported");
                continue;
            }

            int[][] expected = [.. reference.Value.GetProperty("sequences").EnumerateArray().Select(ReferenceJson.Integers)];
            var (found, scores, fill) = Generate(settings, model, sources, expected.Length / sources.Length);
            var start = settings.Id("decoder_start_token_id") ?? model.DecoderStartTokenId;
            var unequal = expected.Zip(found, (row, tokens) => IsEqual([start, .. tokens], row, fill)).Count(equal => !equal) + Math.Abs(expected.Length - found.Count);
            yield return ParityCheck.Of($"generation.{reference.Name}", unequal, 0, $"{expected.Length} texts of at most {expected.Max(row => row.Length) - 1} tokens");
            if (reference.Value.TryGetProperty("sequences_scores", out var stored))
            {
                var difference = scores.Zip(ReferenceJson.Doubles(stored), (one, other) => Math.Abs(one - other)).DefaultIfEmpty(double.NaN).Max();
                yield return ParityCheck.Of($"generation.{reference.Name}.sequences_scores", difference, ModelTolerances.BeamScore, $"{scores.Count} scores");
            }
        }
    }

    /// <summary>Whether a row of a reference is these tokens and then nothing but what fills short rows.</summary>
    internal static bool IsEqual(int[] tokens, int[] expected, IReadOnlyCollection<int> fill) =>
        tokens.Length <= expected.Length && expected.AsSpan(0, tokens.Length).SequenceEqual(tokens) && expected.Skip(tokens.Length).All(fill.Contains);

    private static (List<IReadOnlyList<int>> Tokens, List<double> Scores, int[] Fill) Generate(Settings settings, ISequenceToSequenceModel model, int[][] sources, int texts)
    {
        var eos = settings.Ids("eos_token_id");
        var room = settings.Id("max_new_tokens") ?? model.MaxTargetLength - 1;
        var options = new SamplingOptions
        {
            DoSample = false,
            MaxNewTokens = room,
            NoRepeatNgramSize = settings.Id("no_repeat_ngram_size") is > 0 and var size ? size : null,
            RepetitionPenalty = settings.Number("repetition_penalty") ?? 1,
        };
        var processors = LogitsProcessors.From(options, [], eos, settings.Id("min_new_tokens") ?? 0, settings.Id("forced_bos_token_id"), settings.Ids("forced_eos_token_id"));
        var stop = new StopCondition(eos, [], room, _ => "");
        var padding = settings.Id("pad_token_id") ?? model.PadTokenId;
        var start = settings.Id("decoder_start_token_id");
        if ((settings.Id("num_beams") ?? 1) == 1)
        {
            var generator = new TextGenerator(model, processors, doSample: false, stop, start);
            return ([.. generator.Generate([.. sources.Select(source => new GenerationPrompt(source))]).OrderBy(text => text.Prompt).Select(text => text.Tokens)], [], [padding]);
        }

        var beams = new BeamSearchOptions
        {
            NumBeams = settings.Id("num_beams")!.Value,
            LengthPenalty = settings.Number("length_penalty") ?? 1,
            EarlyStopping = settings.Stopping,
            NumReturnSequences = texts,
        };
        List<BeamText> found = [.. new BeamSearch(model, processors, beams, stop, start).Generate(sources).OrderBy(text => text.Prompt).ThenBy(text => text.Rank)];
        return ([.. found.Select(text => text.Tokens)], [.. found.Select(text => text.Score)], [padding, .. eos]);
    }

    /// <summary>The settings of a stored generation; null and absent are off.</summary>
    private sealed class Settings(JsonElement json)
    {
        internal BeamStopping Stopping => Value("early_stopping") switch
        {
            { ValueKind: JsonValueKind.True } => BeamStopping.WhenFull,
            { ValueKind: JsonValueKind.String } => BeamStopping.Never,
            _ => BeamStopping.Estimate,
        };

        internal string? Unknown(string[] known) => json.EnumerateObject().Where(property => property.Value.ValueKind != JsonValueKind.Null).Select(property => property.Name).FirstOrDefault(name => !known.Contains(name));

        internal int? Id(string key) => Value(key)?.GetInt32();

        internal double? Number(string key) => Value(key)?.GetDouble();

        internal int[] Ids(string key) => Value(key) switch
        {
            null => [],
            { ValueKind: JsonValueKind.Array } list => ReferenceJson.Integers(list),
            { } one => [one.GetInt32()],
        };

        private JsonElement? Value(string key) => json.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }
}
