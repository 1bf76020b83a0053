namespace Understudy.Tokenization.PreTokenizers;

/// <summary>Matches every single code point that satisfies a predicate.</summary>
internal sealed class CharacterPattern(Func<int, bool> matches) : ITextPattern
{
    public List<TextRange> Find(string text)
    {
        var ranges = new List<TextRange>();
        var last = 0;
        var position = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var end = position + rune.Utf16SequenceLength;
            if (matches(rune.Value))
            {
                if (last < position) ranges.Add(new TextRange(last, position, false));
                ranges.Add(new TextRange(position, end, true));
                last = end;
            }
            position = end;
        }
        if (position > last) ranges.Add(new TextRange(last, position, false));
        return ranges;
    }
}
