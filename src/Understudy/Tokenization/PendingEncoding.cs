namespace Understudy.Tokenization;

/// <summary>An encoding that still counts code points, and the texts that its offsets count in.</summary>
internal sealed record PendingEncoding(TokenSequence Tokens, IReadOnlyList<SourceText> Sources)
{
    public Encoding ToEncoding() => ToEncoding(Tokens);

    private Encoding ToEncoding(TokenSequence tokens)
    {
        var offsets = new (int Start, int End)[tokens.Count];
        for (var i = 0; i < offsets.Length; i++)
            offsets[i] = tokens.Inputs[i] < 0 ? (0, 0) : Sources[tokens.Inputs[i]].Utf16(tokens.Offsets[i]);
        return new Encoding
        {
            Ids = [.. tokens.Ids],
            Tokens = [.. tokens.Tokens],
            Offsets = offsets,
            TypeIds = [.. tokens.TypeIds],
            SequenceIds = [.. tokens.Inputs.Select(input => input < 0 ? (int?)null : input)],
            SpecialTokensMask = [.. tokens.SpecialTokensMask],
            AttentionMask = [.. tokens.AttentionMask],
            Overflowing = [.. tokens.Overflowing.Select(ToEncoding)],
        };
    }
}
