using System.Text;

namespace Understudy.Tests.Tokenization;

/// <summary>Seeded random texts, rich in what tokenizers stumble over.</summary>
internal static class RandomText
{
    private static readonly string[] Bits =
    [
        " ", " ", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", "'s", "'S", "'\u017f", "'ll", "'RE", "'", "’t", "a", "B", "the", "word", "é",
        "e\u0301", "ß", "İ", "Σ", "ς", "ﬁ", "日本", "한국", "\u1112\u1161\u11ab", "مرحبا", "नमस्ते", "😀", "👩‍👧", "𝔘𝔫", "𝟘", "1", "23", "4567", "½", "٣", "Ⅷ", "②", ".", ",", "!?", "...",
        "-", "_", "#", "##", "(", ")", "{", "\u200b", "\u200d", "\ufeff", "\u00ad", "\0", "\u0001", "\ufffd", "<|endoftext|>", "<mask>", "[SEP]", "    ", "▁", "Ġ", "\u0327\u0301", "\u0085",
    ];

    public static IEnumerable<string> Many(int seed, int count, int longest = 24)
    {
        var random = new Random(seed);
        for (var i = 0; i < count; i++) yield return Next(random, longest);
    }

    private static string Next(Random random, int longest)
    {
        var builder = new StringBuilder();
        for (var n = random.Next(longest); n > 0; n--)
        {
            if (random.Next(8) > 0)
            {
                builder.Append(Bits[random.Next(Bits.Length)]);
                continue;
            }
            var codePoint = random.Next(3) switch { 0 => random.Next(0x300), 1 => random.Next(0x10000), _ => random.Next(0x110000) };
            if (Rune.IsValid(codePoint)) builder.Append(new Rune(codePoint));
        }
        return builder.ToString();
    }
}
