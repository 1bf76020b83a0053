using System.Runtime.InteropServices;
using Understudy.Tokenization.Normalizers;
using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization.Training;

/// <summary>Counts the words that normalizer and pre-tokenizer make of a corpus.</summary>
internal static class WordCounter
{
    public static Dictionary<string, long> Count(
        IEnumerable<string> lines, INormalizer? normalizer, IPreTokenizer preTokenizer, CancellationToken cancellation)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var line in lines)
        {
            cancellation.ThrowIfCancellationRequested();
            var text = new PreTokenizedText(SourceText.WellFormed(line));
            if (normalizer is not null) text.Rewrite(normalizer.Normalize);
            preTokenizer.PreTokenize(text);
            foreach (var piece in text.Pieces)
            {
                if (piece.Text.Text.Length > 0) Add(counts, piece.Text.Text, 1);
            }
        }
        return counts;
    }

    /// <summary>The same for a byte-level tokenizer without normalizer, cutting the lines in place.</summary>
    public static Dictionary<string, long> CountByteLevel(
        IEnumerable<string> lines, WordSplitter splitter, bool addPrefixSpace, CancellationToken cancellation)
    {
        var raw = new Dictionary<string, long>(StringComparer.Ordinal);
        var lookup = raw.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var line in lines)
        {
            cancellation.ThrowIfCancellationRequested();
            var text = SourceText.WellFormed(line).AsSpan();
            if (addPrefixSpace && text.Length > 0 && text[0] != ' ') text = $" {text}";
            for (var start = 0; start < text.Length;)
            {
                var end = splitter.NextEnd(text, start);
                CollectionsMarshal.GetValueRefOrAddDefault(lookup, text[start..end], out _)++;
                start = end;
            }
        }
        var counts = new Dictionary<string, long>(raw.Count, StringComparer.Ordinal);
        foreach (var (word, count) in raw) Add(counts, ByteAlphabet.Encode(word, new byte[word.Length]), count);
        return counts;
    }

    private static void Add(Dictionary<string, long> counts, string word, long count) =>
        CollectionsMarshal.GetValueRefOrAddDefault(counts, word, out _) += count;
}
