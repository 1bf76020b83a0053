using System.Globalization;
using System.Text;

namespace Understudy.Synthesis;

/// <summary>The words of a text as the filters compare them: lower case, punctuation left out. Immutable.</summary>
internal readonly struct WordSequence
{
    private readonly ulong[] hashes;

    private WordSequence(ulong[] hashes) => this.hashes = hashes;

    /// <summary>How many words there are.</summary>
    public int Count => hashes.Length;

    /// <summary>Splits a text into words.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="joinAtPunctuation">Whether "e-mail" is the one word "email" instead of two.</param>
    public static WordSequence Of(string text, bool joinAtPunctuation = false)
    {
        var words = new List<ulong>();
        var hash = Start;
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsWordByItself(rune))
            {
                if (hash != Start)
                {
                    words.Add(hash);
                }

                words.Add(Mix(Start, (ulong)rune.Value));
                hash = Start;
            }
            else if (IsWord(rune))
            {
                hash = Mix(hash, (ulong)Rune.ToLowerInvariant(rune).Value);
            }
            else if (hash != Start && !IsJoining(rune, joinAtPunctuation))
            {
                words.Add(hash);
                hash = Start;
            }
        }

        if (hash != Start)
        {
            words.Add(hash);
        }

        // A text of nothing but signs is still a text of its own.
        return new WordSequence(words.Count > 0 || string.IsNullOrWhiteSpace(text) ? [.. words] : [text.Trim().Aggregate(Start, (sum, one) => Mix(sum, one))]);
    }

    /// <summary>A hash of all words in order.</summary>
    public ulong Whole() => Ngram(0, hashes.Length);

    /// <summary>A hash of every run of <paramref name="length"/> words, in order; none when there are fewer words.</summary>
    public IEnumerable<ulong> Ngrams(int length)
    {
        for (var at = 0; at + length <= hashes.Length; at++)
        {
            yield return Ngram(at, length);
        }
    }

    private const ulong Start = 14695981039346656037;

    // FNV-1a over code points, finished as in MurmurHash3, so that near values do not stay near.
    private static ulong Mix(ulong hash, ulong value) => (hash ^ value) * 1099511628211;

    private ulong Ngram(int at, int length)
    {
        var hash = Start;
        foreach (var word in hashes.AsSpan(at, length))
        {
            hash = Mix(hash, Finish(word));
        }

        return Finish(hash);
    }

    private static ulong Finish(ulong hash)
    {
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
        hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
        return hash ^ (hash >> 33);
    }

    // Emoji carry meaning, and Chinese and Japanese are written without spaces.
    private static bool IsWordByItself(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherSymbol
        || rune.Value is (>= 0x3040 and <= 0x30FF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x3FFFF);

    private static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    private static bool IsJoining(Rune rune, bool joinAtPunctuation) => rune.Value is '\'' or 0x2019
        || (joinAtPunctuation && Rune.GetUnicodeCategory(rune) is UnicodeCategory.DashPunctuation or UnicodeCategory.OtherPunctuation or UnicodeCategory.ConnectorPunctuation);
}
