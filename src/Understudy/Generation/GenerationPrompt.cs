namespace Understudy.Generation;

/// <summary>A prompt to be continued.</summary>
/// <param name="Tokens">Its tokens, at least one.</param>
/// <param name="Seed">Seed of its draws: equal seeds and prompts give equal texts, whatever else is generated.</param>
/// <param name="Samples">How many continuations are drawn, at least 1; the prompt is computed once for all of them.</param>
public sealed record GenerationPrompt(IReadOnlyList<int> Tokens, long Seed = 0, int Samples = 1)
{
    /// <summary>What its texts may become; null for any text.</summary>
    /// <value>The default value is null.</value>
    public ITokenConstraint? Constraint { get; init; }
}

/// <summary>One continuation of a prompt.</summary>
/// <param name="Prompt">The number of the prompt in the list that was given.</param>
/// <param name="Sample">The number of the continuation, from 0.</param>
/// <param name="Tokens">The new tokens, one that ended the text included.</param>
/// <param name="Text">The new text, without the end: up to the first stop string, without special tokens.</param>
/// <param name="Reason">Why it ended.</param>
public sealed record GeneratedText(int Prompt, int Sample, IReadOnlyList<int> Tokens, string Text, FinishReason Reason);
