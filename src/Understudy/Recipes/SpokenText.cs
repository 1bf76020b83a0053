using System.Globalization;
using System.Text;

namespace Understudy.Recipes;

/// <summary>Text as speech recognition writes it.</summary>
internal static class SpokenText
{
    /// <summary>Lower case, without punctuation but for apostrophes inside words, with single spaces.</summary>
    internal static string Of(string text)
    {
        var spoken = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length; at++)
        {
            var one = text[at];
            var isApostrophe = one is '\'' or '\u2019' && at > 0 && at + 1 < text.Length && char.IsLetter(text[at - 1]) && char.IsLetter(text[at + 1]);
            if (isApostrophe) spoken.Append('\'');
            // Vowel signs and accents that stand on their own belong to their letters.
            else if (char.IsLetterOrDigit(one) || char.IsSurrogate(one) || char.GetUnicodeCategory(one) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark) spoken.Append(char.ToLowerInvariant(one));
            else if (spoken.Length > 0 && spoken[^1] != ' ') spoken.Append(' ');
        }

        return spoken.ToString().TrimEnd();
    }
}
