using System.Globalization;
using System.Text;
using Understudy.Data;
using Understudy.Recipes;

namespace Understudy.Cli;

/// <summary>Predictions as a table of plain text, a line as soon as a row is labelled: id, text, label, probability.</summary>
internal sealed class PredictionTable : IPredictionWriter
{
    private const int IdWidth = 16, LeastTextWidth = 16, MostLabelWidth = 32;
    private const string Probability = "probability";

    private readonly TextWriter output;
    private readonly int labelWidth, textWidth;
    private bool begun;

    /// <summary>A table.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="labels">All labels, which the width of their column comes from.</param>
    /// <param name="width">Columns of the terminal.</param>
    public PredictionTable(TextWriter output, IReadOnlyList<string> labels, int width)
    {
        this.output = output;
        labelWidth = Math.Clamp(labels.Max(Cells.Width), 5, MostLabelWidth);
        textWidth = Math.Max(LeastTextWidth, width - IdWidth - labelWidth - Probability.Length - 6);
    }

    public void Write(Example row, string label, Prediction prediction)
    {
        if (!begun)
            Line("id", "text", "label", Probability);
        begun = true;
        var share = (100 * prediction.Probabilities[prediction.Best]).ToString("0.0", CultureInfo.InvariantCulture) + "%";
        Line(row.Id, row.TextPair is { } pair ? $"{row.Text} | {pair}" : row.Text, label, share.PadLeft(Probability.Length));
    }

    private void Line(string id, string text, string label, string share) =>
        output.WriteLine($"{Cells.Fit(id, IdWidth)}  {Cells.Fit(text, textWidth)}  {Cells.Fit(label, labelWidth)}  {share}");
}

/// <summary>Texts in the cells of a terminal.</summary>
internal static class Cells
{
    /// <summary>The text on one line, cut or filled up with spaces to exactly <paramref name="width"/> cells.</summary>
    public static string Fit(string text, int width)
    {
        var fitted = new StringBuilder();
        var (used, cutAt, cutUsed) = (0, 0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            // A line break or an escape sequence in a text must not move the cursor.
            var shown = Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? new Rune(' ') : rune;
            var cells = WidthOf(shown);
            if (used + cells > width)
                return fitted.ToString(0, cutAt) + "…" + new string(' ', width - cutUsed - 1);
            fitted.Append(shown);
            used += cells;
            if (used < width)
                (cutAt, cutUsed) = (fitted.Length, used);
        }
        return fitted.Append(' ', width - used).ToString();
    }

    /// <summary>The cells that a text takes.</summary>
    public static int Width(string text) => text.EnumerateRunes().Sum(WidthOf);

    // Marks stand on the letter before them; the wide blocks are those of East Asian scripts and pictures (Unicode UAX 11).
    private static int WidthOf(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark ? 0
        : rune.Value is (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3) or (>= 0xF900 and <= 0xFAFF)
            or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0xFFE0 and <= 0xFFE6) or (>= 0x1F300 and <= 0x1FAFF) or (>= 0x20000 and <= 0x3FFFD) ? 2
        : 1;
}
