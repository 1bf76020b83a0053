using System.Globalization;
using System.Text;

namespace Understudy.Data;

/// <summary>A text of the user's within a sentence or a comment.</summary>
internal static class ShownText
{
    /// <summary>The text in quotation marks, on one line, cut where it is long, without what a terminal or YAML would take for a command.</summary>
    public static string Of(string text, int most = 40)
    {
        var plain = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (plain.Length >= most)
                return $"'{plain}...'";
            var control = Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned;
            plain.Append(control ? "?" : rune.ToString());
        }
        return $"'{plain}'";
    }
}
