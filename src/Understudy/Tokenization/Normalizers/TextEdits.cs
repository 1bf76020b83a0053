using Understudy.Tokenization.Unicode;

namespace Understudy.Tokenization.Normalizers;

/// <summary>Rewritings that several normalizers share.</summary>
internal static class TextEdits
{
    public static AlignedText Lowercase(AlignedText text)
    {
        var edits = new List<TextEdit>(text.Text.Length);
        var changed = false;
        foreach (var rune in text.Text.EnumerateRunes())
        {
            var lower = UnicodeCharacter.ToLower(rune.Value, out var second);
            edits.Add(new TextEdit(lower, 0));
            if (second >= 0) edits.Add(new TextEdit(second, 1));
            changed |= lower != rune.Value;
        }
        return changed ? text.Transform(edits) : text;
    }

    /// <summary>Drops the characters that do not satisfy <paramref name="keep"/>.</summary>
    public static AlignedText Filter(AlignedText text, Func<int, bool> keep)
    {
        var edits = new List<TextEdit>(text.Text.Length);
        var removedAtStart = 0;
        var removed = false;
        foreach (var rune in text.Text.EnumerateRunes())
        {
            if (keep(rune.Value))
            {
                edits.Add(new TextEdit(rune.Value, 0));
                continue;
            }
            removed = true;
            if (edits.Count == 0) removedAtStart++;
            else edits[^1] = edits[^1] with { Change = edits[^1].Change - 1 };
        }
        return removed ? text.Transform(edits, removedAtStart) : text;
    }

    /// <summary>Drops white space at the ends.</summary>
    public static AlignedText Strip(AlignedText text, bool left, bool right)
    {
        var span = text.Text.AsSpan();
        var start = left ? span.Length - span.TrimStart().Length : 0;
        var end = right ? span.TrimEnd().Length : span.Length;
        if (start == 0 && end == span.Length) return text;
        var edits = new List<TextEdit>(span.Length);
        foreach (var rune in text.Text.AsSpan(start, Math.Max(0, end - start)).EnumerateRunes())
            edits.Add(new TextEdit(rune.Value, 0));
        return text.Transform(edits, start);
    }
}
