using Understudy.Data;

namespace Understudy.Synthesis;

/// <summary>Finds texts that overlap with validation or test texts: the same words, or a run of words in common. Immutable and thread-safe.</summary>
/// <remarks>
/// Compared in two forms, punctuation as a space and punctuation left out, so that neither "e-mail" nor "e mail" hides an "email". Every text of a
/// row counts on its own, the second of a pair too.
/// </remarks>
public sealed class HeldOutTexts
{
    private static readonly bool[] Forms = [false, true];

    private readonly int ngram;
    private readonly Dictionary<ulong, string> wholes = [];
    private readonly Dictionary<ulong, string> ngrams = [];

    /// <summary>Indexes held-out rows.</summary>
    /// <param name="validation">Validation rows.</param>
    /// <param name="test">Test rows.</param>
    /// <param name="ngram">Words in a row that count as an overlap, at least 2.</param>
    public HeldOutTexts(IEnumerable<Example> validation, IEnumerable<Example> test, int ngram)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ngram, 2);
        this.ngram = ngram;
        Add(test, "test");
        Add(validation, "validation");
    }

    /// <summary>Indexes held-out texts.</summary>
    /// <param name="texts">Each with what it is called in a verdict.</param>
    /// <param name="ngram">Words in a row that count as an overlap, at least 2.</param>
    public HeldOutTexts(IEnumerable<(string Name, string Text)> texts, int ngram)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfLessThan(ngram, 2);
        this.ngram = ngram;
        foreach (var (name, text) in texts) Add(text, name);
    }

    /// <summary>How the row overlaps with a held-out one, as a sentence; null when it does not.</summary>
    public string? Overlap(Example row) => Texts(row).Select(Overlap).FirstOrDefault(verdict => verdict is not null);

    /// <summary>How the text overlaps with a held-out one, as a sentence; null when it does not.</summary>
    public string? Overlap(string text)
    {
        foreach (var form in Forms)
        {
            var words = WordSequence.Of(text, form);
            if (wholes.TryGetValue(words.Whole(), out var same))
            {
                return $"It has the same words as {same}.";
            }

            foreach (var run in words.Ngrams(ngram))
            {
                if (ngrams.TryGetValue(run, out var shared))
                {
                    return $"It shares {ngram} words in a row with {shared}.";
                }
            }
        }

        return null;
    }

    private void Add(IEnumerable<Example> rows, string kind)
    {
        foreach (var row in rows)
        {
            foreach (var text in Texts(row)) Add(text, $"{kind} row '{row.Id}'");
        }
    }

    private void Add(string text, string name)
    {
        foreach (var form in Forms)
        {
            var words = WordSequence.Of(text, form);
            wholes.TryAdd(words.Whole(), name);
            foreach (var run in words.Ngrams(ngram))
            {
                ngrams.TryAdd(run, name);
            }
        }
    }

    private static IEnumerable<string> Texts(Example row)
    {
        yield return row.Text;
        if (!string.IsNullOrWhiteSpace(row.TextPair))
        {
            yield return row.TextPair;
        }
    }
}
