namespace Understudy.Tokenization;

/// <summary>How encodings are filled up to a length.</summary>
public sealed record PaddingOptions
{
    /// <value>The length to fill to, or null for the longest of the batch, which is the default value.</value>
    public int? Length { get; init; }

    /// <value>The end that is filled. The default value is <see cref="Tokenization.Side.Right"/>.</value>
    public Side Side { get; init; } = Side.Right;

    /// <value>The length is raised to a multiple of this; null, the default value, raises nothing.</value>
    public int? PadToMultipleOf { get; init; }

    /// <value>The id of the padding token. The default value is 0.</value>
    public int PadId { get; init; }

    /// <value>The type id of padding. The default value is 0.</value>
    public int PadTypeId { get; init; }

    /// <value>The padding token's text. The default value is <c>[PAD]</c>.</value>
    public string PadToken { get; init; } = "[PAD]";
}

/// <summary>Fills token sequences up.</summary>
internal static class Padding
{
    public static void Apply(IReadOnlyList<TokenSequence> batch, PaddingOptions options)
    {
        if (batch.Count == 0) return;
        var length = options.Length ?? batch.Max(sequence => sequence.Count);
        if (options.PadToMultipleOf is > 0 and var multiple && length % multiple > 0) length += multiple - length % multiple;
        foreach (var sequence in batch) Fill(sequence, length, options);
    }

    private static void Fill(TokenSequence sequence, int length, PaddingOptions options)
    {
        foreach (var part in sequence.Overflowing) Fill(part, length, options);
        var missing = length - sequence.Count;
        if (missing <= 0) return;
        var at = options.Side == Side.Left ? 0 : sequence.Count;
        sequence.Ids.InsertRange(at, Enumerable.Repeat(options.PadId, missing));
        sequence.Tokens.InsertRange(at, Enumerable.Repeat(options.PadToken, missing));
        sequence.Offsets.InsertRange(at, Enumerable.Repeat((0, 0), missing));
        sequence.TypeIds.InsertRange(at, Enumerable.Repeat(options.PadTypeId, missing));
        sequence.SpecialTokensMask.InsertRange(at, Enumerable.Repeat(1, missing));
        sequence.AttentionMask.InsertRange(at, Enumerable.Repeat(0, missing));
        sequence.Inputs.InsertRange(at, Enumerable.Repeat(-1, missing));
    }
}
