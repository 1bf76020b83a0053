using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Attention over heads that share keys and values in groups (Ainslie et al., arXiv 2305.13245).</summary>
internal static class Attention
{
    /// <summary>Scaled dot-product attention with as many query heads as there are key heads, or a multiple.</summary>
    /// <param name="query">[batch, heads, tokens, head_dim].</param>
    /// <param name="key">[batch, key heads, keys, head_dim].</param>
    /// <param name="value">[batch, key heads, keys, head_dim].</param>
    /// <param name="mask">[batch or 1, 1, tokens or 1, keys], added to the scores; null for none.</param>
    /// <param name="dropout">Probability of dropping an attention weight; 0 outside training.</param>
    /// <returns>[batch, tokens, heads x head_dim].</returns>
    internal static Tensor Run(Tensor query, Tensor key, Tensor value, Tensor? mask, double dropout)
    {
        using var scope = torch.NewDisposeScope();
        var (batch, heads, tokens, width) = (query.size(0), query.size(1), query.size(2), query.size(3));
        var groups = heads / key.size(1);
        if (groups > 1)
        {
            // The queries of a group become rows of one head: keys and values are not copied.
            query = query.reshape(batch, key.size(1), groups * tokens, width);
            if (mask is not null && mask.size(2) > 1)
            {
                mask = mask.unsqueeze(2).expand(mask.size(0), 1, groups, tokens, mask.size(3)).reshape(mask.size(0), 1, groups * tokens, mask.size(3));
            }
        }

        var mixed = nn.functional.scaled_dot_product_attention(query, key, value, mask, dropout);   // [batch, key heads, groups x tokens, head_dim]
        if (groups > 1) mixed = mixed.reshape(batch, heads, tokens, width);
        return scope.MoveToOuter(mixed.transpose(1, 2).reshape(batch, tokens, heads * width));
    }
}
