namespace Understudy.Generation;

/// <summary>What the rows of a request may become. Immutable and safe for use from several threads; one serves all rows.</summary>
/// <remarks>
/// What a constraint leaves of a distribution is the model's own, renormalised over the tokens that may follow. Where settings such as <c>top_k</c> or
/// bad words forbid tokens as well, they come after it.
/// </remarks>
public interface ITokenConstraint
{
    /// <summary>A row before its first new token.</summary>
    TokenConstraintState Begin();
}
