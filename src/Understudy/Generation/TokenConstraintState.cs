namespace Understudy.Generation;

/// <summary>One row's way through an <see cref="ITokenConstraint"/>: the tokens generated so far, without the prompt. Not thread-safe.</summary>
public abstract class TokenConstraintState
{
    /// <summary>Whether the text is whole: nothing but its end may follow.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>
    /// Sets the logits of all tokens that cannot follow to minus infinity and leaves the others as they are. A token can follow when some continuation
    /// makes the text whole; a token that ends a text can where the text may end, once.
    /// </summary>
    /// <param name="logits">The logits of the row, [vocabulary].</param>
    public abstract void Mask(Span<float> logits);

    /// <summary>Takes the token that was picked.</summary>
    /// <exception cref="InvalidOperationException">The token may not follow.</exception>
    public abstract void Append(int token);

    /// <summary>A state that goes its own way from here on, for a beam that splits.</summary>
    public abstract TokenConstraintState Clone();

    internal static InvalidOperationException CannotFollow(int token) => new($"Token {token} may not follow here. Pick one that Mask leaves.");
}
