using System.Text;

namespace Understudy.Tokenization;

/// <summary>An input text made well-formed, and the way between its code points and its UTF-16 units.</summary>
internal sealed class SourceText
{
    private readonly int[]? codePointOfUnit;
    private readonly int[]? unitOfCodePoint;

    public SourceText(string text)
    {
        Text = WellFormed(text);
        if (!HasSurrogates(text)) return;
        codePointOfUnit = new int[Text.Length + 1];
        var units = new List<int>(Text.Length + 1);
        for (var i = 0; i < Text.Length; i++)
        {
            codePointOfUnit[i] = units.Count;
            units.Add(i);
            if (char.IsHighSurrogate(Text[i])) codePointOfUnit[++i] = units.Count - 1;
        }
        codePointOfUnit[Text.Length] = units.Count;
        units.Add(Text.Length);
        unitOfCodePoint = [.. units];
    }

    /// <summary>The text with every lone surrogate replaced by U+FFFD, which leaves all positions as they are.</summary>
    public string Text { get; }

    public (int Start, int End) CodePoints(Alignment range) => codePointOfUnit is null
        ? (range.Start, range.End)
        : (codePointOfUnit[Clamp(range.Start, codePointOfUnit)], codePointOfUnit[Clamp(range.End, codePointOfUnit)]);

    public (int Start, int End) Utf16((int Start, int End) range) => unitOfCodePoint is null
        ? range
        : (unitOfCodePoint[Clamp(range.Start, unitOfCodePoint)], unitOfCodePoint[Clamp(range.End, unitOfCodePoint)]);

    /// <summary>Replaces lone surrogates by U+FFFD.</summary>
    public static string WellFormed(string text)
    {
        if (!HasSurrogates(text)) return text;
        StringBuilder? builder = null;
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
            {
                i++;
                continue;
            }
            builder ??= new StringBuilder(text);
            builder[i] = '\uFFFD';
        }
        return builder?.ToString() ?? text;
    }

    public static bool HasSurrogates(ReadOnlySpan<char> text) => text.ContainsAnyInRange('\uD800', '\uDFFF');

    private static int Clamp(int index, int[] map) => Math.Clamp(index, 0, map.Length - 1);
}
