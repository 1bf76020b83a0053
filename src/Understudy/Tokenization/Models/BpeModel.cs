using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;

namespace Understudy.Tokenization.Models;

/// <summary><c>BPE</c>: byte-pair encoding. Words up to <see cref="LongestCachedWord"/> characters are kept in a cache of bounded size.</summary>
internal sealed class BpeModel : ITokenModel
{
    private const int LongestCachedWord = 64;
    private const int LargestCache = 1 << 16;

    private readonly BpeMerges merges;
    private readonly BpeOptions options;
    private readonly int unkId;
    private readonly ConcurrentDictionary<string, BpeWord> cache = new(StringComparer.Ordinal);
    private int cached;

    public BpeModel(Vocabulary vocabulary, IReadOnlyList<(int Left, int Right, int Result)> merges, BpeOptions options)
    {
        Vocabulary = vocabulary;
        this.merges = new BpeMerges(merges);
        this.options = options;
        if (options.UnkToken is null || !vocabulary.TryGetId(options.UnkToken, out unkId)) unkId = -1;
    }

    public Vocabulary Vocabulary { get; }

    /// <summary>The pairs that are merged, in order of rank.</summary>
    public IEnumerable<(string Left, string Right)> Merges =>
        merges.InOrder().Select(pair => (Vocabulary.Token(pair.Left)!, Vocabulary.Token(pair.Right)!));

    public IReadOnlyList<Token> Tokenize(string piece)
    {
        var word = Encode(piece);
        var tokens = new Token[word.Ids.Length];
        var start = 0;
        for (var i = 0; i < tokens.Length; i++)
        {
            var end = start + word.Lengths[i];
            var (from, to) = word.InBytes ? (Utf16Index(piece, start), Utf16Index(piece, end - 1, after: true)) : (start, end);
            tokens[i] = new Token(word.Ids[i], Vocabulary.Token(word.Ids[i])!, from, to);
            start = end;
        }
        return tokens;
    }

    public BpeWord Encode(string piece)
    {
        if (options.IgnoreMerges && Vocabulary.TryGetId(piece, out var whole)) return new BpeWord([whole], [piece.Length], false);
        if (piece.Length > LongestCachedWord) return Merge(piece);
        if (cache.TryGetValue(piece, out var word)) return word;
        word = Merge(piece);
        if (Volatile.Read(ref cached) < LargestCache && cache.TryAdd(piece, word)) Interlocked.Increment(ref cached);
        return word;
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteString("unk_token", options.UnkToken);
        json.WriteString("continuing_subword_prefix", options.ContinuingSubwordPrefix);
        json.WriteString("end_of_word_suffix", options.EndOfWordSuffix);
        json.WriteBoolean("fuse_unk", options.FuseUnk);
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", options.IgnoreMerges);
        Vocabulary.Write(json);
        json.WriteStartArray("merges");
        foreach (var (left, right) in Merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private BpeWord Merge(string piece)
    {
        var ids = ArrayPool<int>.Shared.Rent(piece.Length);
        var lengths = ArrayPool<int>.Shared.Rent(piece.Length);
        try
        {
            var count = Symbols(piece, ids, lengths, inBytes: false, out var dropped);
            if (dropped) count = Symbols(piece, ids, lengths, inBytes: true, out _);
            count = merges.Apply(ids.AsSpan(0, count), lengths.AsSpan(0, count));
            return new BpeWord(ids[..count], lengths[..count], dropped);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(ids);
            ArrayPool<int>.Shared.Return(lengths);
        }
    }

    /// <summary>Looks up every character. One without a token becomes the unknown token, or is dropped if there is none.</summary>
    private int Symbols(string piece, int[] ids, int[] lengths, bool inBytes, out bool dropped)
    {
        dropped = false;
        var count = 0;
        var unkLength = 0;
        for (var i = 0; i < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece.AsSpan(i), out var rune, out var units);
            var length = inBytes ? rune.Utf8SequenceLength : units;
            var id = SymbolId(piece.AsSpan(i, units), isFirst: i == 0, isLast: i + units == piece.Length);
            i += units;
            if (id < 0)
            {
                if (unkId < 0)
                {
                    if (options.UnkToken is not null) throw UnknownToken.Missing(options.UnkToken, piece);
                    dropped = true;
                    continue;
                }
                if (unkLength > 0 && !options.FuseUnk)
                {
                    (ids[count], lengths[count++]) = (unkId, unkLength);
                    unkLength = 0;
                }
                unkLength += length;
                continue;
            }
            if (unkLength > 0) (ids[count], lengths[count++]) = (unkId, unkLength);
            unkLength = 0;
            (ids[count], lengths[count++]) = (id, length);
        }
        if (unkLength > 0) (ids[count], lengths[count++]) = (unkId, unkLength);
        return count;
    }

    private int SymbolId(ReadOnlySpan<char> character, bool isFirst, bool isLast)
    {
        var prefix = isFirst ? null : options.ContinuingSubwordPrefix;
        var suffix = isLast ? options.EndOfWordSuffix : null;
        var known = string.IsNullOrEmpty(prefix) && string.IsNullOrEmpty(suffix)
            ? Vocabulary.TryGetId(character, out var id)
            : Vocabulary.TryGetId($"{prefix}{character}{suffix}", out id);
        return known ? id : -1;
    }

    /// <summary>The UTF-16 index at, or just after, the character that holds a byte of the text's UTF-8 form.</summary>
    private static int Utf16Index(string text, int byteIndex, bool after = false)
    {
        var bytes = 0;
        var units = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (byteIndex < bytes) return after ? units + rune.Utf16SequenceLength : units;
            units += rune.Utf16SequenceLength;
        }
        return units;
    }
}
