namespace Understudy.Tokenization.PreTokenizers;

/// <summary>Matches a fixed string, from left to right without overlaps. An empty string matches nothing.</summary>
internal sealed class LiteralPattern(string literal) : ITextPattern
{
    public List<TextRange> Find(string text)
    {
        var ranges = new List<TextRange>();
        var last = 0;
        while (literal.Length > 0 && last <= text.Length)
        {
            var found = text.IndexOf(literal, last, StringComparison.Ordinal);
            if (found < 0) break;
            if (found > last) ranges.Add(new TextRange(last, found, false));
            last = found + literal.Length;
            ranges.Add(new TextRange(found, last, true));
        }
        if (last < text.Length || text.Length == 0) ranges.Add(new TextRange(last, text.Length, false));
        return ranges;
    }
}
