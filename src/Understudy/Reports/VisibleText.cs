using System.Globalization;
using System.Text;

namespace Understudy.Reports;

/// <summary>
/// Text from anywhere as a page may show it: what would be invisible, reorder its surroundings or break the markup is spelled
/// out, as <c>[U+202E]</c>, and what is too long is cut with a mark.
/// </summary>
internal static class VisibleText
{
    /// <summary>The text with every character visible. Line breaks become <c>↵</c>, other control characters their symbols.</summary>
    /// <param name="text">Any UTF-16, lone surrogates included.</param>
    /// <param name="keepLines">Whether line breaks stay what they are, for preformatted text.</param>
    public static string Of(string text, bool keepLines = false)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return text;
        var visible = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, at, out var rune))
            {
                visible.Append('\uFFFD');
                at++;
                continue;
            }
            at += rune.Utf16SequenceLength;
            if (rune.Value == '\n')
                visible.Append(keepLines ? "\n" : "↵ ");
            else if (rune.Value == '\t')
                visible.Append(keepLines ? "\t" : " ");
            else if (rune.Value == '\r' && keepLines && at < text.Length && text[at] == '\n')
                continue;
            else if (rune.Value < 0x20)
                visible.Append((char)(0x2400 + rune.Value));
            else if (IsHidden(rune))
                visible.Append(CultureInfo.InvariantCulture, $"[U+{rune.Value:X4}]");
            else
                visible.Append(rune);
        }
        return visible.ToString();
    }

    /// <summary>At most <paramref name="length"/> characters of the text, and how many are left out.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="length">At least 1.</param>
    public static string Cut(string text, int length)
    {
        if (text.Length <= length)
            return text;
        // A pair of surrogates is one character and stays whole.
        var end = char.IsHighSurrogate(text[length - 1]) && char.IsLowSurrogate(text[length]) ? length - 1 : length;
        return string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, end)} … [{text.Length - end:N0} more characters]");
    }

    // Controls, directional overrides and isolates, line separators, tag characters and non-characters; joiners stay, since scripts and emoji need them.
    private static bool IsHidden(Rune rune) => rune.Value switch
    {
        0x200C or 0x200D => false,
        0x00AD or 0x115F or 0x1160 or 0x3164 or 0xFFA0 => true,
        _ when (rune.Value & 0xFFFE) == 0xFFFE || rune.Value is >= 0xFDD0 and <= 0xFDEF => true,
        _ => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse,
    };
}
