using Understudy.Tokenization;

namespace Understudy.Recipes;

/// <summary>Where words and sentences begin among the tokens of a byte-level tokenizer.</summary>
internal sealed class WordStarts
{
    private readonly bool[] beginsInside;
    private readonly bool[] endsInside;
    private readonly bool[] endsSentence;

    internal WordStarts(Tokenizer tokenizer)
    {
        var bytes = tokenizer.TokenBytes;
        (beginsInside, endsInside, endsSentence) = (new bool[bytes.Count], new bool[bytes.Count], new bool[bytes.Count]);
        for (var id = 0; id < bytes.Count; id++)
        {
            var own = bytes.Of(id);
            if (own.IsEmpty) continue;
            (beginsInside[id], endsInside[id]) = (IsInside(own[0]), IsInside(own[^1]));
            endsSentence[id] = own[^1] is (byte)'.' or (byte)'!' or (byte)'?';
        }
    }

    /// <summary>The words of a text: ranges of tokens, one after the other.</summary>
    internal List<Range> Words(ReadOnlySpan<int> ids) => Cut(ids, (before, id) => !(endsInside[before] && beginsInside[id]));

    /// <summary>The sentences of a text: ranges of tokens, one after the other.</summary>
    internal List<Range> Sentences(ReadOnlySpan<int> ids) => Cut(ids, (before, id) => endsSentence[before] && !beginsInside[id] && !endsSentence[id]);

    private static List<Range> Cut(ReadOnlySpan<int> ids, Func<int, int, bool> begins)
    {
        var parts = new List<Range>();
        var start = 0;
        for (var at = 1; at <= ids.Length; at++)
        {
            if (at < ids.Length && !begins(ids[at - 1], ids[at])) continue;
            parts.Add(start..at);
            start = at;
        }

        return parts;
    }

    // Letters, digits, and every byte of a character beyond ASCII.
    private static bool IsInside(byte one) => one >= 0x80 || char.IsAsciiLetterOrDigit((char)one);
}
