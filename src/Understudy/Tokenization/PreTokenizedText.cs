using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tokenization;

/// <summary>One token as the model or the added vocabulary gave it; [Start, End) are UTF-16 units of its piece.</summary>
internal readonly record struct Token(int Id, string Value, int Start, int End);

/// <summary>A piece of the input, with its tokens once it has any.</summary>
internal sealed record TextPiece(AlignedText Text, IReadOnlyList<Token>? Tokens = null);

/// <summary>The input on its way through the pipeline, as a list of pieces. Pieces that already have tokens are left alone by every step.</summary>
internal sealed class PreTokenizedText
{
    public PreTokenizedText(string text) => Pieces = [new TextPiece(new AlignedText(text))];

    public List<TextPiece> Pieces { get; private set; }

    /// <summary>Replaces every open piece by what <paramref name="split"/> makes of it; empty pieces are dropped.</summary>
    public void Split(Func<AlignedText, IEnumerable<TextPiece>> split)
    {
        var pieces = new List<TextPiece>(Pieces.Count);
        foreach (var piece in Pieces)
        {
            if (piece.Tokens is not null)
            {
                pieces.Add(piece);
                continue;
            }
            foreach (var part in split(piece.Text))
            {
                if (part.Text.Text.Length > 0) pieces.Add(part);
            }
        }
        Pieces = pieces;
    }

    public void Split(ITextPattern pattern, SplitBehavior behavior) => Split(text => Parts(text, pattern, behavior));

    public void Rewrite(Func<AlignedText, AlignedText> rewrite)
    {
        for (var i = 0; i < Pieces.Count; i++)
        {
            if (Pieces[i].Tokens is null) Pieces[i] = new TextPiece(rewrite(Pieces[i].Text));
        }
    }

    public void Tokenize(Func<string, IReadOnlyList<Token>> tokenize)
    {
        for (var i = 0; i < Pieces.Count; i++)
        {
            if (Pieces[i].Tokens is null) Pieces[i] = Pieces[i] with { Tokens = tokenize(Pieces[i].Text.Text) };
        }
    }

    public static IEnumerable<TextPiece> Parts(AlignedText text, ITextPattern pattern, SplitBehavior behavior)
    {
        foreach (var range in behavior.Apply(pattern.Find(text.Text)))
        {
            if (range.Length > 0) yield return new TextPiece(text.Slice(range.Start, range.End));
        }
    }
}
