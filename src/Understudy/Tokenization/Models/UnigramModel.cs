using System.Collections.Concurrent;
using System.Text.Json;

namespace Understudy.Tokenization.Models;

/// <summary>
/// <c>Unigram</c>: of all ways to cut a piece into tokens the one with the largest sum of scores, found by Viterbi search in
/// time that grows with the piece times the longest token (Kudo 2018, arXiv 1804.10959; ties as in the reference's
/// <c>encode_optimized</c>). A character without a token costs 10 more than the worst token; a run of them is one unknown
/// token or, with byte fallback, its bytes.
/// </summary>
internal sealed class UnigramModel : ITokenModel
{
    private const double UnknownPenalty = 10;
    private const int LongestCachedWord = 64;
    private const int LargestCache = 1 << 16;

    private readonly IReadOnlyList<(string Token, double Score)> entries;
    private readonly int? unkId;
    private readonly bool byteFallback;
    private readonly double unknownScore;
    private readonly TokenTrie trie;
    private readonly ConcurrentDictionary<string, Token[]> cache = new(StringComparer.Ordinal);
    private int cached;

    /// <param name="entries">Tokens in the order of their ids, with log-probabilities; all finite.</param>
    /// <param name="unkId">The id of the unknown token; null makes a text that needs it an error.</param>
    /// <param name="byteFallback">Whether what is unknown becomes <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>, if the tokens are there.</param>
    public UnigramModel(IReadOnlyList<(string Token, double Score)> entries, int? unkId, bool byteFallback)
    {
        this.entries = entries;
        this.unkId = unkId;
        this.byteFallback = byteFallback;
        Vocabulary = new Vocabulary([.. entries.Select(entry => entry.Token)]);
        trie = new TokenTrie(entries.Select(entry => entry.Token));
        unknownScore = entries.Select(entry => entry.Score).DefaultIfEmpty(double.PositiveInfinity).Min() - UnknownPenalty;
    }

    public Vocabulary Vocabulary { get; }

    public string? UnkToken => unkId is { } id ? entries[id].Token : null;

    public IReadOnlyList<Token> Tokenize(string piece)
    {
        if (piece.Length > LongestCachedWord) return Cut(piece, null);
        if (cache.TryGetValue(piece, out var tokens)) return tokens;
        tokens = Cut(piece, null);
        if (Volatile.Read(ref cached) < LargestCache && cache.TryAdd(piece, tokens)) Interlocked.Increment(ref cached);
        return tokens;
    }

    public IReadOnlyList<Token> Tokenize(string piece, Func<int, bool> isHidden) => Cut(piece, isHidden);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "Unigram");
        if (unkId is { } id) json.WriteNumber("unk_id", id);
        else json.WriteNull("unk_id");
        json.WriteStartArray("vocab");
        foreach (var (token, score) in entries)
        {
            json.WriteStartArray();
            json.WriteStringValue(token);
            json.WriteNumberValue(score);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteBoolean("byte_fallback", byteFallback);
        json.WriteEndObject();
    }

    private Token[] Cut(string piece, Func<int, bool>? isHidden)
    {
        var tokens = new List<Token>();
        foreach (var (start, end) in BestPath(piece, isHidden))
        {
            if (Vocabulary.TryGetId(piece.AsSpan(start, end - start), out var id) && isHidden?.Invoke(id) != true) tokens.Add(new Token(id, Vocabulary.Token(id)!, start, end));
            else if (!byteFallback || !TryAddBytes(piece, start, end, tokens)) tokens.Add(new Token(Unknown(piece), piece[start..end], start, end));
        }
        return [.. tokens];
    }

    /// <summary>The parts of the best path in order, unknown neighbours fused.</summary>
    private List<(int Start, int End)> BestPath(string piece, Func<int, bool>? isHidden)
    {
        var scores = new double[piece.Length + 1];
        var starts = new int[piece.Length + 1];
        var ids = new int[piece.Length + 1];
        Array.Fill(starts, -1);
        for (var start = 0; start < piece.Length;)
        {
            var units = char.IsHighSurrogate(piece[start]) && start + 1 < piece.Length ? 2 : 1;
            var isCovered = false;
            var node = 0;
            for (var end = start; end < piece.Length && trie.TryStep(ref node, piece[end], out var id);)
            {
                end++;
                if (id < 0 || isHidden?.Invoke(id) == true) continue;
                Reach(start, end, id, entries[id].Score);
                isCovered |= end - start == units;
            }
            if (!isCovered) Reach(start, start + units, Unknown(piece), unknownScore);
            start += units;
        }

        var path = new List<(int Start, int End)>();
        var previousIsUnknown = false;
        for (var end = piece.Length; end > 0; end = starts[end])
        {
            var isUnknown = ids[end] == unkId;
            if (isUnknown && previousIsUnknown) path[^1] = (starts[end], path[^1].End);
            else path.Add((starts[end], end));
            previousIsUnknown = isUnknown;
        }
        path.Reverse();
        return path;

        void Reach(int start, int end, int id, double score)
        {
            if (starts[end] >= 0 && scores[start] + score <= scores[end]) return;
            (scores[end], starts[end], ids[end]) = (scores[start] + score, start, id);
        }
    }

    /// <summary>Adds the tokens of the part's bytes, each of which stands for the whole part, unless one is missing.</summary>
    private bool TryAddBytes(string piece, int start, int end, List<Token> tokens)
    {
        var count = tokens.Count;
        foreach (var value in System.Text.Encoding.UTF8.GetBytes(piece[start..end]))
        {
            if (!Vocabulary.TryGetId($"<0x{value:X2}>", out var id))
            {
                tokens.RemoveRange(count, tokens.Count - count);
                return false;
            }
            tokens.Add(new Token(id, Vocabulary.Token(id)!, start, end));
        }
        return true;
    }

    private int Unknown(string piece)
    {
        if (unkId is { } id) return id;
        var shown = piece.Length <= 40 ? piece : piece[..40] + "...";
        throw new InvalidDataException(
            $"'{shown}' has characters that are not in the vocabulary, and the tokenizer has no 'unk_id'. Give 'model.unk_id' of the tokenizer.json the id of an unknown token.");
    }
}
