using System.Collections.Concurrent;
using Understudy.Tokenization.Models;
using Understudy.Tokenization.Normalizers;
using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization;

/// <summary>
/// The ids of a text and nothing else. Byte-level tokenizers with a hand-written splitter cut the text in place and
/// take whole words from a cache; every other tokenizer goes through its full pipeline.
/// </summary>
internal sealed class IdEncoder
{
    private const int LongestCachedWord = 64;
    private const int LargestCache = 1 << 17;

    private readonly Tokenizer tokenizer;
    private readonly TokenizerParts parts;
    private readonly BpeModel? model;
    private readonly WordSplitter? splitter;
    private readonly bool addPrefixSpace;
    private readonly int[] before = [];
    private readonly int[] after = [];
    private readonly ConcurrentDictionary<string, int[]> cache = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> lookup;
    private int cached;

    public IdEncoder(Tokenizer tokenizer, TokenizerParts parts)
    {
        this.tokenizer = tokenizer;
        this.parts = parts;
        lookup = cache.GetAlternateLookup<ReadOnlySpan<char>>();
        if (parts.Model is not BpeModel bpe || parts.Normalizer is not (null or UnicodeFormNormalizer { IsNfc: true })) return;
        (splitter, addPrefixSpace) = parts.PreTokenizer switch
        {
            ByteLevelPreTokenizer { UseRegex: true } byteLevel => (Gpt2Splitter.Instance, byteLevel.AddPrefixSpace),
            SequencePreTokenizer { Steps: [SplitPreTokenizer { Splitter: { } words }, ByteLevelPreTokenizer { UseRegex: false, AddPrefixSpace: false }] } =>
                (words, false),
            _ => ((WordSplitter?)null, false),
        };
        if (splitter is null || !TryFindSpecialTokens(out before, out after)) return;
        model = bpe;
    }

    public void Encode(ReadOnlySpan<char> text, List<int> ids, bool addSpecialTokens)
    {
        if (model is null)
        {
            var sequence = tokenizer.Sequence(new SourceText(text.ToString()), 0);
            foreach (var part in tokenizer.Process(sequence, null, addSpecialTokens)) ids.AddRange(part.Ids);
            return;
        }
        if (SourceText.HasSurrogates(text)) text = SourceText.WellFormed(text.ToString());
        if (addSpecialTokens) ids.AddRange(before);
        if (parts.AddedVocabulary.Raw.IsEmpty)
        {
            EncodeRaw(text, ids);
        }
        else
        {
            foreach (var (id, start, end) in parts.AddedVocabulary.Find(text, parts.AddedVocabulary.Raw))
            {
                if (id >= 0) ids.Add(id);
                else EncodeRaw(text[start..end], ids);
            }
        }
        if (addSpecialTokens) ids.AddRange(after);
    }

    private void EncodeRaw(ReadOnlySpan<char> text, List<int> ids)
    {
        if (parts.Normalizer is not null && !Unicode.UnicodeNormalizer.IsTrivial(text, compose: true, compatible: false))
            text = Unicode.UnicodeNormalizer.ToNfc(text);
        if (parts.AddedVocabulary.Normalized.IsEmpty)
        {
            EncodeWords(text, ids);
            return;
        }
        foreach (var (id, start, end) in parts.AddedVocabulary.Find(text, parts.AddedVocabulary.Normalized))
        {
            if (id >= 0) ids.Add(id);
            else EncodeWords(text[start..end], ids);
        }
    }

    private void EncodeWords(ReadOnlySpan<char> text, List<int> ids)
    {
        if (addPrefixSpace && text.Length > 0 && text[0] != ' ') text = $" {text}";
        for (var start = 0; start < text.Length;)
        {
            var end = splitter!.NextEnd(text, start);
            ids.AddRange(Word(text[start..end]));
            start = end;
        }
    }

    private ReadOnlySpan<int> Word(ReadOnlySpan<char> word)
    {
        if (word.Length <= LongestCachedWord && lookup.TryGetValue(word, out var ids)) return ids;
        ids = model!.Encode(ByteAlphabet.Encode(word, new byte[word.Length])).Ids;
        if (word.Length <= LongestCachedWord && Volatile.Read(ref cached) < LargestCache && lookup.TryAdd(word, ids))
            Interlocked.Increment(ref cached);
        return ids;
    }

    /// <summary>Sends a single marker through the post-processor to learn what it puts before and after a text.</summary>
    private bool TryFindSpecialTokens(out int[] before, out int[] after)
    {
        const int marker = int.MinValue;
        var probe = new TokenSequence();
        probe.Add(marker, "", (0, 0), 0, 0);
        var result = tokenizer.Process(probe, null, addSpecialTokens: true).SelectMany(part => part.Ids).ToList();
        var at = result.IndexOf(marker);
        before = at < 0 ? [] : [.. result[..at]];
        after = at < 0 ? [] : [.. result[(at + 1)..]];
        return at >= 0 && result.LastIndexOf(marker) == at;
    }
}
