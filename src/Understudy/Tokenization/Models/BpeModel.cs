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

    public string? UnkToken => options.UnkToken;

    /// <summary>The pairs that are merged, in order of rank.</summary>
    public IEnumerable<(string Left, string Right)> Merges =>
        merges.InOrder().Select(pair => (Vocabulary.Token(pair.Left)!, Vocabulary.Token(pair.Right)!));

    public IReadOnlyList<Token> Tokenize(string piece)
    {
        var word = Encode(piece);
        var tokens = new Token[word.Ids.Length];
        var unitsOfBytes = word.InBytes ? UnitsOfBytes(piece) : null;
        var start = 0;
        for (var i = 0; i < tokens.Length; i++)
        {
            var end = start + word.Lengths[i];
            var (from, to) = unitsOfBytes is null ? (start, end) : (unitsOfBytes[start].Start, unitsOfBytes[end - 1].End);
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
        json.WriteBoolean("byte_fallback", options.ByteFallback);
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
        // Falling back on bytes makes up to three symbols of one UTF-16 unit.
        var capacity = options.ByteFallback ? piece.Length * 3 : piece.Length;
        var ids = ArrayPool<int>.Shared.Rent(capacity);
        var lengths = ArrayPool<int>.Shared.Rent(capacity);
        try
        {
            var count = Symbols(piece, ids, lengths, inBytes: false, out var needsBytes);
            if (needsBytes) count = Symbols(piece, ids, lengths, inBytes: true, out _);
            count = merges.Apply(ids.AsSpan(0, count), lengths.AsSpan(0, count));
            return new BpeWord(ids[..count], lengths[..count], needsBytes);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(ids);
            ArrayPool<int>.Shared.Return(lengths);
        }
    }

    /// <summary>
    /// Looks up every character. One without a token becomes its bytes, if that is asked for and they all have tokens,
    /// else the unknown token, or is dropped if there is none.
    /// </summary>
    private int Symbols(string piece, int[] ids, int[] lengths, bool inBytes, out bool needsBytes)
    {
        needsBytes = false;
        var count = 0;
        var unkLength = 0;
        for (var i = 0; i < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece.AsSpan(i), out var rune, out var units);
            var length = inBytes ? rune.Utf8SequenceLength : units;
            var (isFirst, isLast) = (i == 0, i + units == piece.Length);
            var id = SymbolId(piece.AsSpan(i, units), isFirst, isLast);
            i += units;
            if (id >= 0)
            {
                if (unkLength > 0) (ids[count], lengths[count++]) = (unkId, unkLength);
                unkLength = 0;
                (ids[count], lengths[count++]) = (id, length);
            }
            else if (options.ByteFallback && Bytes(rune, isFirst, isLast) is { } bytes)
            {
                needsBytes = true;
                foreach (var byteId in bytes) (ids[count], lengths[count++]) = (byteId, 1);
            }
            else if (unkId >= 0)
            {
                if (unkLength > 0 && !options.FuseUnk)
                {
                    (ids[count], lengths[count++]) = (unkId, unkLength);
                    unkLength = 0;
                }
                unkLength += length;
            }
            else
            {
                needsBytes = options.UnkToken is null ? true : throw UnknownToken.Missing(options.UnkToken, piece);
            }
        }
        if (unkLength > 0) (ids[count], lengths[count++]) = (unkId, unkLength);
        return count;
    }

    /// <summary>The tokens <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c> of a character, or null if one is missing.</summary>
    private int[]? Bytes(Rune rune, bool isFirst, bool isLast)
    {
        // The reference would also spell the prefix and the suffix out in bytes; no known tokenizer has both.
        if ((!isFirst && !string.IsNullOrEmpty(options.ContinuingSubwordPrefix)) || (isLast && !string.IsNullOrEmpty(options.EndOfWordSuffix))) return null;
        Span<byte> utf8 = stackalloc byte[4];
        var bytes = new int[rune.EncodeToUtf8(utf8)];
        for (var i = 0; i < bytes.Length; i++)
        {
            if (!Vocabulary.TryGetId($"<0x{utf8[i]:X2}>", out bytes[i])) return null;
        }
        return bytes;
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

    /// <summary>For every byte of the text's UTF-8 form the UTF-16 units of its character.</summary>
    private static (int Start, int End)[] UnitsOfBytes(string text)
    {
        var units = new List<(int Start, int End)>(text.Length * 2);
        var start = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            for (var i = 0; i < rune.Utf8SequenceLength; i++) units.Add((start, start + rune.Utf16SequenceLength));
            start += rune.Utf16SequenceLength;
        }
        return [.. units];
    }
}
