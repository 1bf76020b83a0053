namespace Understudy.Generation;

/// <summary>
/// Changes the logits of one row before a token is picked from them. Implementations are immutable and may be shared between rows and
/// threads; what they need to write lies in the <see cref="SamplingScratch"/> of the caller.
/// </summary>
/// <remarks>Each is the processor of the same name in <c>transformers.generation.logits_process</c>, filter value minus infinity, one token always kept.</remarks>
public interface ILogitsProcessor
{
    /// <summary>Changes the logits in place; a forbidden token gets minus infinity.</summary>
    /// <param name="logits">The logits of one row, one for every token of the vocabulary.</param>
    /// <param name="row">What the row consists of so far.</param>
    /// <param name="scratch">Buffers for the call; nothing in them outlives it.</param>
    void Process(Span<float> logits, RowTokens row, SamplingScratch scratch);
}

/// <summary>The tokens of one row when its next token is picked.</summary>
/// <param name="tokens">The prompt and the tokens generated so far, without padding.</param>
/// <param name="promptLength">How many of them are the prompt.</param>
public readonly ref struct RowTokens(ReadOnlySpan<int> tokens, int promptLength)
{
    /// <summary>The prompt and the tokens generated so far, without padding.</summary>
    public ReadOnlySpan<int> Tokens { get; } = tokens;

    /// <summary>How many of them are the prompt.</summary>
    public int PromptLength { get; } = promptLength;

    /// <summary>How many tokens were generated so far.</summary>
    public int NewTokens => Tokens.Length - PromptLength;
}
