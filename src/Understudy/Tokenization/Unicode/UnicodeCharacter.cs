using System.Globalization;
using System.Text;

namespace Understudy.Tokenization.Unicode;

/// <summary>What the reference library asks of a code point, by general category and a few fixed ranges.</summary>
internal static class UnicodeCharacter
{
    /// <summary>General category L: <c>\p{L}</c>.</summary>
    public static bool IsLetter(int codePoint) =>
        CharUnicodeInfo.GetUnicodeCategory(codePoint) <= UnicodeCategory.OtherLetter;

    /// <summary>General category N: <c>\p{N}</c>.</summary>
    public static bool IsNumber(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint)
        is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    /// <summary>The White_Space property, <c>\s</c>; every such code point lies in the basic plane.</summary>
    public static bool IsWhiteSpace(int codePoint) => codePoint <= char.MaxValue && char.IsWhiteSpace((char)codePoint);

    /// <summary>The CJK blocks that BERT surrounds with spaces; the bounds are the reference's own, one slip (2B920) included.</summary>
    public static bool IsBertChinese(int codePoint) => codePoint
        is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF)
        or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F)
        or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);

    /// <summary>
    /// <c>\w</c> of UTS #18: Alphabetic, M, Nd, Pc and Join_Control. Outside L, M and Nl, Alphabetic holds only
    /// the circled and squared Latin letters.
    /// </summary>
    public static bool IsWord(int codePoint)
    {
        if (codePoint < 0x80)
            return codePoint is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9') or '_';
        return CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
        {
            <= UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation => true,
            UnicodeCategory.Format => codePoint is 0x200C or 0x200D,
            UnicodeCategory.OtherSymbol => codePoint is (>= 0x24B6 and <= 0x24E9)
                or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
            _ => false,
        };
    }

    /// <summary>
    /// The lower-case mapping without context, as Rust's <c>char::to_lowercase</c>: one code point for all but
    /// U+0130, which becomes two (<paramref name="second"/> is then U+0307, otherwise -1). Final sigma is not special.
    /// </summary>
    public static int ToLower(int codePoint, out int second)
    {
        second = codePoint == 0x130 ? 0x307 : -1;
        return codePoint switch
        {
            0x130 => 'i',
            // New in Unicode 17, which the runtime does not have yet.
            0xA7CE or 0xA7D2 or 0xA7D4 => codePoint + 1,
            >= 0x16EA0 and <= 0x16EB8 => codePoint + 0x1B,
            _ => Rune.ToLowerInvariant(new Rune(codePoint)).Value,
        };
    }
}
