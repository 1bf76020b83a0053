namespace Understudy.Tokenization.PreTokenizers;

/// <summary>Cuts a text into matches and what lies between them.</summary>
internal interface ITextPattern
{
    /// <summary>Every part of <paramref name="text"/> in order, together covering all of it; an empty text is one unmatched range.</summary>
    List<TextRange> Find(string text);
}
