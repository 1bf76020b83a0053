using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization.PostProcessors;

/// <summary>Takes white space at the ends of byte-level tokens out of their offsets.</summary>
internal static class OffsetTrimming
{
    public static void Apply(List<TokenSequence> sequences, bool addPrefixSpace)
    {
        foreach (var sequence in sequences)
        {
            Apply(sequence, addPrefixSpace);
            foreach (var part in sequence.Overflowing) Apply(part, addPrefixSpace);
        }
    }

    private static void Apply(TokenSequence sequence, bool addPrefixSpace)
    {
        for (var i = 0; i < sequence.Count; i++)
        {
            var token = sequence.Tokens[i];
            var leading = 0;
            while (leading < token.Length && IsSpace(token[leading])) leading++;
            var trailing = 0;
            while (trailing < token.Length && IsSpace(token[token.Length - 1 - trailing])) trailing++;
            if (leading == 0 && trailing == 0) continue;

            var (start, end) = sequence.Offsets[i];
            // A single space at the very beginning is the one that was put there, so no offset counts it.
            if (leading == 1 && addPrefixSpace && (i == 0 || start == 0)) leading = 0;
            start = Math.Min(start + leading, end);
            if (end >= trailing) end = Math.Max(end - trailing, start);
            sequence.Offsets[i] = (start, end);
        }
    }

    private static bool IsSpace(char character) => character == ByteAlphabet.Space || char.IsWhiteSpace(character);
}
