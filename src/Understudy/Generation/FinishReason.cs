namespace Understudy.Generation;

/// <summary>Why a generated text ended.</summary>
public enum FinishReason
{
    /// <summary>The model gave a token that ends a text.</summary>
    StopToken,

    /// <summary>The text reached one of the stop strings.</summary>
    StopString,

    /// <summary>The most tokens allowed were generated, or the model can take no more.</summary>
    Length,

    /// <summary>The text is whole: under its <see cref="ITokenConstraint"/> nothing but its end may follow.</summary>
    Complete,
}
