using System.Globalization;
using System.Text;

namespace Understudy.Cli;

/// <summary>Columns of plain text, two spaces apart.</summary>
internal static class TextTable
{
    /// <summary>The lines, each with its line break; columns that are empty throughout but for their head are left out.</summary>
    /// <param name="lines">The heads, then the rows, all of the same length.</param>
    /// <param name="texts">How many columns from the left hold texts, which begin at the left; figures end at the right.</param>
    public static string Of(IReadOnlyList<IReadOnlyList<string>> lines, int texts)
    {
        var columns = Enumerable.Range(0, lines[0].Count).Where(column => lines.Count == 1 || lines.Skip(1).Any(line => line[column].Length > 0)).ToArray();
        var widths = columns.Select(column => lines.Max(line => line[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var line in lines)
        {
            var cells = columns.Select((column, i) => column < texts ? Plain(line[column]).PadRight(widths[i]) : Plain(line[column]).PadLeft(widths[i]));
            text.Append(string.Join("  ", cells).TrimEnd()).Append('\n');
        }
        return text.ToString();
    }

    // A name from a file of someone else's must not command the terminal, nor reorder the line.
    private static string Plain(string cell) => string.Concat(cell.Select(c =>
        char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? '?' : c));
}
