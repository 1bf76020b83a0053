namespace Understudy.Tokenization.PreTokenizers;

/// <summary>Takes what another pattern leaves for matches, and its matches for what lies between.</summary>
internal sealed class InvertedPattern(ITextPattern pattern) : ITextPattern
{
    public List<TextRange> Find(string text)
    {
        var ranges = pattern.Find(text);
        for (var i = 0; i < ranges.Count; i++) ranges[i] = ranges[i] with { IsMatch = !ranges[i].IsMatch };
        return ranges;
    }
}
