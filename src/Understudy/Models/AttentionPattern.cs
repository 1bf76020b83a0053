using Understudy.Torch;

namespace Understudy.Models;

/// <summary>What the tokens of a pass may look at.</summary>
/// <param name="Mask">[batch or 1, 1 or heads, tokens or 1, keys], added to the scores; null for none.</param>
/// <param name="Starts">For rows without padding, one after the other: where each begins, see <see cref="Unpadding.Starts"/>; null for padded rows.</param>
/// <param name="KeyStarts">The same for the keys; null where they are those of the queries' rows.</param>
/// <param name="IsCausal">Every token sees itself and what is before it; without a mask.</param>
internal sealed record AttentionPattern(Tensor? Mask = null, Tensor? Starts = null, Tensor? KeyStarts = null, bool IsCausal = false)
{
    /// <summary>Every token sees every other.</summary>
    internal static AttentionPattern Full { get; } = new();

    /// <summary>Attention over heads, which may share keys and values in groups (Ainslie et al., arXiv 2305.13245).</summary>
    /// <param name="query">[batch, heads, tokens, head_dim].</param>
    /// <param name="key">[batch, key heads, keys, head_dim].</param>
    /// <param name="value">[batch, key heads, keys, head_dim].</param>
    /// <param name="dropout">Probability of dropping an attention weight; 0 outside training.</param>
    /// <returns>[batch, tokens, heads x head_dim].</returns>
    internal Tensor Attend(Tensor query, Tensor key, Tensor value, double dropout)
    {
        using var scope = torch.NewDisposeScope();
        var mixed = Starts is null
            ? nn.functional.scaled_dot_product_attention(query, key, value, Mask, dropout, IsCausal)
            : nn.functional.scaled_dot_product_attention_varlen(query, key, value, Starts, KeyStarts ?? Starts, dropout, IsCausal);   // [batch, heads, tokens, head_dim]
        return scope.MoveToOuter(mixed.transpose(1, 2).reshape(query.size(0), query.size(2), query.size(1) * query.size(3)));
    }
}
