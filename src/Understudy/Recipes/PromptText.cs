using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>A prompt that synthetic rows came from: a line of <c>rows/*-prompts.jsonl</c>.</summary>
/// <param name="Id">The first 12 digits of the SHA-256 of the text.</param>
/// <param name="Text">What the teacher read; of a prompt around many texts the template.</param>
public sealed record PromptText(string Id, string Text)
{
    private const int Digits = 12;

    /// <summary>The prompt with its id.</summary>
    public static PromptText Of(string text) => new(ContentHash.OfText(text)[..Digits], text);
}
