using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Understudy.Generation;

namespace Understudy.Parity;

/// <summary>Compares the logits processors with stored probabilities of <c>transformers</c>.</summary>
public static partial class SamplingParity
{
    /// <summary>The largest difference of a probability that passes.</summary>
    public const double Tolerance = 1e-6;

    // The references name this case without its words; these are theirs: one token, and one that may not follow another.
    private static readonly int[][] DefaultBadWords = [[5], [7, 11]];

    private static readonly Dictionary<string, Func<double, ILogitsProcessor>> Known = new()
    {
        ["temperature"] = value => new TemperatureLogitsWarper(value),
        ["top_k"] = value => new TopKLogitsWarper((int)value),
        ["top_p"] = value => new TopPLogitsWarper(value),
        ["min_p"] = value => new MinPLogitsWarper(value),
        ["typical_p"] = value => new TypicalLogitsWarper(value),
        ["typical"] = value => new TypicalLogitsWarper(value),
        ["epsilon"] = CutoffLogitsWarper.Epsilon,
        ["epsilon_cutoff"] = CutoffLogitsWarper.Epsilon,
        ["eta"] = CutoffLogitsWarper.Eta,
        ["eta_cutoff"] = CutoffLogitsWarper.Eta,
        ["repetition_penalty"] = value => new RepetitionPenaltyLogitsProcessor(value),
        ["no_repeat_ngram"] = value => new NoRepeatNGramLogitsProcessor((int)value),
        ["no_repeat_ngram_size"] = value => new NoRepeatNGramLogitsProcessor((int)value),
    };

    /// <summary>Checks every case in <c>sampling.json</c>: one check per case, named by its number and its processors.</summary>
    /// <param name="fileOrFolder">The file, or the folder that holds it.</param>
    /// <exception cref="InvalidDataException">The file does not have the format of such a reference.</exception>
    public static IReadOnlyList<ParityCheck> Run(string fileOrFolder) => ReferenceJson.Read(
        ReferenceJson.Locate(fileOrFolder, "sampling.json"), root => root.EnumerateArray().Select(Check).ToList());

    private static ParityCheck Check(JsonElement reference, int index)
    {
        var text = reference.GetProperty("processors").GetString() ?? "";
        var name = $"sampling[{index}].{text}";
        var processors = Parse(text, reference, out var unknown);
        if (processors is null) return ParityCheck.Skip(name, $"There is no processor '{unknown}' here.");

        var logits = ReferenceJson.Singles(reference.GetProperty("logits"));
        var history = ReferenceJson.Integers(reference.GetProperty("history"));
        var expected = ReferenceJson.Doubles(reference.GetProperty("probabilities"));
        if (expected.Length != logits.Length || logits.Length == 0)
            return ParityCheck.Skip(name, $"The reference holds {logits.Length} logits and {expected.Length} probabilities.");

        var found = new float[logits.Length];
        new Sampler(processors, doSample: true).Probabilities(logits, new RowTokens(history, history.Length), found);
        var (difference, worst) = (0.0, 0);
        for (var i = 0; i < found.Length; i++)
        {
            var here = Math.Abs(found[i] - expected[i]);
            if (!(here <= difference)) (difference, worst) = (here, i);
        }

        return ParityCheck.Of(name, difference, Tolerance, $"{found.Length} probabilities, the largest difference at token {worst}");
    }

    /// <summary>Splits a text such as <c>repetition_penalty_1.2_top_k_20</c> into processors; null when a part of it is unknown.</summary>
    private static List<ILogitsProcessor>? Parse(string text, JsonElement reference, out string unknown)
    {
        var processors = new List<ILogitsProcessor>();
        unknown = text;
        while (unknown.Length > 0)
        {
            var part = Part().Match(unknown);
            if (unknown == "bad_words" || unknown.StartsWith("bad_words_", StringComparison.Ordinal))
            {
                processors.Add(new NoBadWordsLogitsProcessor(BadWords(reference), []));
                unknown = unknown["bad_words".Length..].TrimStart('_');
            }
            else if (part.Success && Known.TryGetValue(part.Groups["name"].Value, out var make))
            {
                processors.Add(make(double.Parse(part.Groups["value"].ValueSpan, CultureInfo.InvariantCulture)));
                unknown = unknown[part.Length..].TrimStart('_');
            }
            else
            {
                return null;
            }
        }

        return processors;
    }

    private static int[][] BadWords(JsonElement reference) =>
        reference.TryGetProperty("bad_words", out var words) || reference.TryGetProperty("bad_words_ids", out words)
            ? [.. words.EnumerateArray().Select(ReferenceJson.Integers)]
            : DefaultBadWords;

    [GeneratedRegex(@"^(?<name>[a-z_]+?)_(?<value>\d+(\.\d+)?(e-?\d+)?)(?=_|$)")]
    private static partial Regex Part();
}
