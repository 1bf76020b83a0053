namespace Understudy.Data;

/// <summary>Why a generated text did not become a row.</summary>
public enum ParseFailure
{
    /// <summary>It did become a row.</summary>
    None,

    /// <summary>The token limit came before the end.</summary>
    Unfinished,

    /// <summary>It does not have the form of the generation completion.</summary>
    Format,

    /// <summary>A text in it is empty.</summary>
    Empty,

    /// <summary>A line of it is one of the prompt's own, as when the model goes on to invent the next prompt.</summary>
    PromptRepeated,

    /// <summary>It holds bytes that are not text: half a character, or a control character.</summary>
    NotText,

    /// <summary>The label in it is not the one that was asked for.</summary>
    WrongLabel,

    /// <summary>The label in it, which the model was to choose, is not one of the labels.</summary>
    UnknownLabel,
}

/// <summary>A generated text after parsing: a row, or the reason why it is none.</summary>
/// <param name="Example">The row; null when parsing failed.</param>
/// <param name="Failure">Why parsing failed.</param>
/// <param name="Detail">A sentence on the failure; empty when there is none.</param>
public sealed record ParsedGeneration(Example? Example, ParseFailure Failure, string Detail)
{
    internal static ParsedGeneration Failed(ParseFailure failure, string detail) => new(null, failure, detail);
}
