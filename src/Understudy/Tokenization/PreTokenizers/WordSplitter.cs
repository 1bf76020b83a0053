namespace Understudy.Tokenization.PreTokenizers;

/// <summary>A hand-written matcher for one well-known regular expression whose matches cover any text without gaps.</summary>
internal abstract class WordSplitter : ITextPattern
{
    /// <summary>The end of the match that begins at <paramref name="start"/>, which lies inside the text and on a character boundary.</summary>
    public abstract int NextEnd(ReadOnlySpan<char> text, int start);

    public List<TextRange> Find(string text)
    {
        var ranges = new List<TextRange>(text.Length / 4 + 1);
        for (var start = 0; start < text.Length;)
        {
            var end = NextEnd(text, start);
            ranges.Add(new TextRange(start, end, true));
            start = end;
        }
        if (text.Length == 0) ranges.Add(new TextRange(0, 0, false));
        return ranges;
    }
}
