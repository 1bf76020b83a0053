using System.Globalization;
using Understudy.Data;

namespace Understudy.Synthesis;

/// <summary>Asks the filters about synthetic rows, one after the other: a row is compared with the seeds and with the rows kept before it. Not thread-safe.</summary>
public sealed class RowFilter
{
    private readonly FilterOptions options;
    private readonly HeldOutTexts? heldOut;
    private readonly NearDuplicates? near;
    private readonly Dictionary<(ulong, ulong?), string> seen = [];

    /// <summary>Begins with the real rows of a run.</summary>
    /// <param name="options">The filters.</param>
    /// <param name="seeds">Labelled rows that a synthetic one must not repeat.</param>
    /// <param name="validation">Validation rows, which it must not overlap with.</param>
    /// <param name="test">Test rows, likewise.</param>
    /// <exception cref="ArgumentException">The options are at fault.</exception>
    public RowFilter(FilterOptions options, IEnumerable<Example> seeds, IEnumerable<Example> validation, IEnumerable<Example> test)
    {
        if (options.Validate().ToArray() is { Length: > 0 } faults)
        {
            throw new ArgumentException(string.Join(Environment.NewLine, faults), nameof(options));
        }

        this.options = options;
        heldOut = options is { Enabled: true, Decontaminate: true } ? new HeldOutTexts(validation, test, options.ContaminationNgram) : null;
        near = options is { Enabled: true, NearDuplicate: { } threshold } ? new NearDuplicates(threshold) : null;
        foreach (var seed in seeds)
        {
            Keep(seed, $"seed '{seed.Id}'");
        }
    }

    /// <summary>Asks the filters about a row, and remembers its text when they let it pass.</summary>
    /// <param name="row">The row with its label.</param>
    /// <param name="probabilities">The teacher's probability of every label by label; null when it was not asked.</param>
    /// <param name="full">Whether the row's label has its quota already.</param>
    /// <returns><see cref="Verdict.Kept"/> and no reason, or the first filter that rejects it and a sentence.</returns>
    public (Verdict Verdict, string Reason) Judge(Example row, IReadOnlyDictionary<string, double>? probabilities, bool full = false)
    {
        var (verdict, reason) = options.Enabled ? Reject(row, probabilities) : (Verdict.Kept, "");
        if (verdict == Verdict.Kept && full)
        {
            return (Verdict.QuotaFull, "Its label has its rows.");
        }

        if (verdict == Verdict.Kept && options.Enabled)
        {
            Keep(row, $"the synthetic row '{row.Id}'");
        }

        return (verdict, reason);
    }

    private (Verdict Verdict, string Reason) Reject(Example row, IReadOnlyDictionary<string, double>? probabilities)
    {
        var first = WordSequence.Of(row.Text).Count;
        var all = first + (row.TextPair is { } pair ? WordSequence.Of(pair).Count : 0);
        return first < options.MinWords ? (Verdict.TooShort, $"It has {first} words, fewer than min_words {options.MinWords}.")
            : all > options.MaxWords ? (Verdict.TooLong, $"It has {all} words, more than max_words {options.MaxWords}.")
            : heldOut?.Overlap(row) is { } overlap ? (Verdict.Contaminated, overlap)
            : options.Duplicates && seen.TryGetValue(Key(row), out var same) ? (Verdict.Duplicate, $"It has the same words as {same}.")
            : near?.Find(row) is var (name, similarity) ? (Verdict.NearDuplicate, Text($"Its word 3-grams are {similarity:0.##} similar to those of {name}; near_duplicate is {options.NearDuplicate}."))
            : probabilities is null ? (Verdict.Kept, "")
            : Doubt(row.Label!, probabilities);
    }

    private (Verdict Verdict, string Reason) Doubt(string label, IReadOnlyDictionary<string, double> probabilities)
    {
        var best = probabilities.MaxBy(pair => pair.Value);
        return options.RelabelDisagrees && best.Key != label
                ? (Verdict.RelabelDisagrees, Text($"The teacher labels it '{best.Key}' with probability {best.Value:0.###}, '{label}' with {probabilities[label]:0.###}."))
            : probabilities[label] < options.MinConfidence
                ? (Verdict.LowConfidence, Text($"The teacher's probability {probabilities[label]:0.###} of '{label}' is below min_confidence {options.MinConfidence}."))
            : (Verdict.Kept, "");
    }

    private void Keep(Example row, string name)
    {
        seen.TryAdd(Key(row), name);
        near?.Add(row, name);
    }

    private static (ulong, ulong?) Key(Example row) => (WordSequence.Of(row.Text).Whole(), row.TextPair is { } pair ? WordSequence.Of(pair).Whole() : null);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
