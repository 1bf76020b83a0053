using Understudy.Tokenization.Models;

namespace Understudy.Tokenization.Training;

/// <summary>
/// Learns byte-pair merges from counted words, with the counting and the tie-breaking of the reference's
/// <c>BpeTrainer</c>. Words are taken in ordinal order, so the result depends on nothing but the counts.
/// </summary>
internal sealed class PairMerger
{
    private readonly MergeLearningOptions options;
    private readonly List<string> tokens = [];
    private readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    private readonly List<TrainingWord> words = [];
    private readonly Dictionary<(int Left, int Right), long> counts = [];
    private readonly List<(int Left, int Right, int Result)> merges = [];

    private PairMerger(MergeLearningOptions options) => this.options = options;

    public static (Vocabulary Vocabulary, List<(int Left, int Right, int Result)> Merges) Learn(
        IReadOnlyDictionary<string, long> wordCounts, MergeLearningOptions options, CancellationToken cancellation)
    {
        var merger = new PairMerger(options);
        foreach (var token in options.SpecialTokens) merger.Id(token);
        foreach (var character in Alphabet.Of(wordCounts, options.InitialAlphabet, options.LimitAlphabet)) merger.Id(character);
        foreach (var (word, frequency) in wordCounts.OrderBy(entry => entry.Key, StringComparer.Ordinal)) merger.AddWord(word, frequency);
        merger.Run(cancellation);
        return (new Vocabulary(merger.ids), merger.merges);
    }

    private void AddWord(string word, long frequency)
    {
        var symbols = new List<int>(word.Length);
        var position = 0;
        foreach (var rune in word.EnumerateRunes())
        {
            var token = rune.ToString();
            var isFirst = position == 0;
            position += token.Length;
            if (!ids.ContainsKey(token)) continue;
            if (!isFirst) token = options.ContinuingSubwordPrefix + token;
            if (position == word.Length) token += options.EndOfWordSuffix;
            symbols.Add(Id(token));
        }
        words.Add(new TrainingWord([.. symbols], frequency));
    }

    private void Run(CancellationToken cancellation)
    {
        var queue = InitialQueue();
        while (tokens.Count < options.VocabularySize && queue.TryDequeue(out var best, out var count))
        {
            cancellation.ThrowIfCancellationRequested();
            var current = counts[(best.Left, best.Right)];
            if (current != count)
            {
                queue.Enqueue(best, current);
                continue;
            }
            if (count < 1 || count < options.MinFrequency) break;
            Merge(best, queue);
        }
    }

    private PairQueue InitialQueue()
    {
        var holders = new Dictionary<(int Left, int Right), HashSet<int>>();
        for (var w = 0; w < words.Count; w++)
        {
            var symbols = words[w].Symbols;
            for (var i = 0; i + 1 < symbols.Length; i++)
            {
                var pair = (symbols[i], symbols[i + 1]);
                counts[pair] = counts.GetValueOrDefault(pair) + words[w].Frequency;
                Holder(holders, pair).Add(w);
            }
        }
        var queue = new PairQueue();
        foreach (var (pair, holding) in holders)
        {
            if (counts[pair] > 0) queue.Enqueue(new PairCandidate(pair.Left, pair.Right, holding), counts[pair]);
        }
        return queue;
    }

    private void Merge(PairCandidate best, PairQueue queue)
    {
        var right = tokens[best.Right];
        if (options.ContinuingSubwordPrefix.Length > 0 && right.StartsWith(options.ContinuingSubwordPrefix, StringComparison.Ordinal))
            right = right[options.ContinuingSubwordPrefix.Length..];
        var result = Id(tokens[best.Left] + right);
        merges.Add((best.Left, best.Right, result));

        var grown = new Dictionary<(int Left, int Right), HashSet<int>>();
        foreach (var w in best.Words)
        {
            var frequency = words[w].Frequency;
            words[w].Merge(best.Left, best.Right, result, options.MaxTokenLength, (first, second, change) =>
            {
                counts[(first, second)] = counts.GetValueOrDefault((first, second)) + change * frequency;
                if (change > 0) Holder(grown, (first, second)).Add(w);
            });
        }
        foreach (var (pair, holding) in grown.OrderBy(entry => entry.Key))
        {
            if (counts[pair] > 0) queue.Enqueue(new PairCandidate(pair.Left, pair.Right, holding), counts[pair]);
        }
    }

    private int Id(string token)
    {
        if (ids.TryGetValue(token, out var id)) return id;
        ids.Add(token, tokens.Count);
        tokens.Add(token);
        return tokens.Count - 1;
    }

    private static HashSet<int> Holder(Dictionary<(int Left, int Right), HashSet<int>> holders, (int Left, int Right) pair)
    {
        if (!holders.TryGetValue(pair, out var holding)) holders.Add(pair, holding = []);
        return holding;
    }
}
