namespace Understudy.Generation;

/// <summary>What is asked of an <see cref="InferenceEngine"/>: a text that is continued (<see cref="GenerationRequest"/>), that labels are scored after (<see cref="ScoringRequest"/>) or that is classified (<see cref="ClassificationRequest"/>).</summary>
/// <param name="Tokens">Its tokens, at least one. For an encoder-decoder those of the source.</param>
public abstract record EngineRequest(IReadOnlyList<int> Tokens);

/// <summary>A prompt to be continued.</summary>
/// <param name="Tokens">Its tokens, at least one.</param>
/// <param name="Settings">How tokens are picked and when a text ends; one object serves many requests.</param>
public sealed record GenerationRequest(IReadOnlyList<int> Tokens, GenerationSettings Settings) : EngineRequest(Tokens)
{
    /// <summary>Seed of the draws: equal seeds and prompts give equal texts, whatever else is computed.</summary>
    /// <value>The default value is 0.</value>
    public long Seed { get; init; }

    /// <summary>How many continuations are drawn, at least 1.</summary>
    /// <value>The default value is 1.</value>
    public int Samples { get; init; } = 1;

    /// <summary>What the text may become; the tokens that can no longer lead there are taken out before anything else changes the logits. Null for any text.</summary>
    /// <value>The default value is null.</value>
    public ITokenConstraint? Constraint { get; init; }
}

/// <summary>How the tokens of a text are picked, and when it ends. Immutable.</summary>
/// <param name="Processors">What changes the logits, in order.</param>
/// <param name="DoSample">Whether tokens are drawn; otherwise the most probable one is taken.</param>
/// <param name="Stop">When a text ends.</param>
public sealed record GenerationSettings(IReadOnlyList<ILogitsProcessor> Processors, bool DoSample, StopCondition Stop);

/// <summary>A prompt after which labels are scored. Only for causal models.</summary>
/// <param name="Tokens">Its tokens, at least one.</param>
/// <param name="Labels">The labels; one object serves many requests.</param>
public sealed record ScoringRequest(IReadOnlyList<int> Tokens, CandidateLabels Labels) : EngineRequest(Tokens);

/// <summary>A text to be classified. Only for classifiers.</summary>
/// <param name="Tokens">Its tokens, special ones included; at least one.</param>
public sealed record ClassificationRequest(IReadOnlyList<int> Tokens) : EngineRequest(Tokens)
{
    /// <summary>The type of each token, as many as tokens; empty for all 0.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<int> TokenTypes { get; init; } = [];
}

/// <summary>What has come of a request.</summary>
/// <param name="Request">The number that the request was given: its place in the list, from 0.</param>
public abstract record EngineResult(long Request);

/// <summary>A text.</summary>
/// <param name="Request">The number of the request.</param>
/// <param name="Sample">The number of the continuation, from 0.</param>
/// <param name="Tokens">The new tokens, one that ended the text included.</param>
/// <param name="Text">The new text, without the end: up to the first stop string, without special tokens.</param>
/// <param name="Reason">Why it ended.</param>
public sealed record GenerationResult(long Request, int Sample, IReadOnlyList<int> Tokens, string Text, FinishReason Reason) : EngineResult(Request);

/// <summary>The labels' scores.</summary>
/// <param name="Request">The number of the request.</param>
/// <param name="Score">The scores; <see cref="LabelScore.Prompt"/> is the request's number too.</param>
public sealed record ScoringResult(long Request, LabelScore Score) : EngineResult(Request);

/// <summary>The classes' logits.</summary>
/// <param name="Request">The number of the request.</param>
/// <param name="Logits">One for every class, in the model's order.</param>
public sealed record ClassificationResult(long Request, IReadOnlyList<float> Logits) : EngineResult(Request);
