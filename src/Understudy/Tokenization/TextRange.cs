namespace Understudy.Tokenization;

/// <summary>A part [Start, End) of a text that a pattern matched or left between two matches.</summary>
internal readonly record struct TextRange(int Start, int End, bool IsMatch)
{
    public int Length => End - Start;
}
