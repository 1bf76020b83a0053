namespace Understudy.Tokenization;

/// <summary>A token that is looked for in the text before the model sees it.</summary>
public sealed record AddedToken
{
    /// <value>The text of the token; not empty.</value>
    public required string Content { get; init; }

    /// <value>Whether the token counts only where no word character stands before or after it. The default value is false.</value>
    public bool SingleWord { get; init; }

    /// <value>Whether the token takes white space before it along. The default value is false.</value>
    public bool LStrip { get; init; }

    /// <value>Whether the token takes white space after it along. The default value is false.</value>
    public bool RStrip { get; init; }

    /// <value>Whether the token, normalised, is looked for in the normalised text instead of the raw one. The default value is false.</value>
    public bool Normalized { get; init; }

    /// <value>Whether decoding can leave the token out. The default value is false.</value>
    public bool Special { get; init; }
}
