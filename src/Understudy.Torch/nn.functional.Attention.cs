namespace Understudy.Torch;

public static partial class nn
{
    public static partial class functional
    {
        /// <summary>
        /// softmax(q k^T / sqrt(head_dim) + mask) v (Vaswani et al., arXiv 1706.03762), the softmax in float32. On the CPU, in float32
        /// and bfloat16 and up to 256 numbers a head, the scores are never in memory as a whole; otherwise it is composed of libtorch's operations.
        /// </summary>
        /// <remarks>
        /// Inputs are views of any strides whose last dimension is contiguous; they are not copied. Under CPU autocast they are rounded to
        /// its type first, as those of a matrix product are. What a dropped weight is depends on libtorch's generator and on the place of
        /// the weight alone; the probability is rounded to a multiple of 1/65,536. A key that no query of a neighbourhood sees is left out,
        /// and a NaN in it with it.
        /// </remarks>
        /// <param name="query">[batch, heads, tokens, head_dim].</param>
        /// <param name="key">[batch, key heads, keys, head_dim]; heads is a multiple of key heads, and neighbouring heads share one.</param>
        /// <param name="value">[batch, key heads, keys, head_dim].</param>
        /// <param name="mask">Broadcastable to [batch, heads, tokens, keys]: boolean (true = attend), or added to the scores; null for none.
        /// A token whose keys all have -1e30 added looks at all of them alike; one whose keys all have -infinity gives NaN.</param>
        /// <param name="dropout">Probability of dropping an attention weight, from 0 to 1; 0 outside training.</param>
        /// <param name="isCausal">Every token sees itself and what is before it; only without a mask. With more keys than tokens the tokens are
        /// the last ones; with fewer it is refused.</param>
        /// <returns>[batch, heads, tokens, head_dim], in memory as [batch, tokens, heads, head_dim]: transpose(1, 2) and a view join the heads.</returns>
        /// <exception cref="TorchException">The shapes do not fit.</exception>
        public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? mask = null, double dropout = 0, bool isCausal = false) =>
            new(Native.understudy_scaled_dot_product_attention(query.Handle, key.Handle, value.Handle, Tensor.HandleOf(mask), dropout, isCausal ? 1 : 0));

        /// <summary><see cref="scaled_dot_product_attention"/> over rows of different lengths that follow each other without padding:
        /// the queries of a row see the keys of that row alone (flash-attention's <c>cu_seqlens</c>).</summary>
        /// <param name="query">[1, heads, tokens of all rows, head_dim].</param>
        /// <param name="key">[1, key heads, keys of all rows, head_dim]; heads is a multiple of key heads.</param>
        /// <param name="value">[1, key heads, keys of all rows, head_dim].</param>
        /// <param name="queryStarts">[rows + 1], int32 or int64, on the CPU: where each row's tokens begin, from 0 to their number. A row may be empty.</param>
        /// <param name="keyStarts">[rows + 1], likewise for the keys; the same tensor for self-attention. A token without keys gives zeros.</param>
        /// <param name="dropout">Probability of dropping an attention weight, from 0 to 1; 0 outside training.</param>
        /// <param name="isCausal">Every token sees itself and what is before it in its row; a row with more keys than tokens ends with its tokens.</param>
        /// <returns>[1, heads, tokens of all rows, head_dim], in memory as [1, tokens, heads, head_dim].</returns>
        /// <exception cref="TorchException">The shapes do not fit, or the starts do not rise from 0 to the number of tokens.</exception>
        public static Tensor scaled_dot_product_attention_varlen(Tensor query, Tensor key, Tensor value, Tensor queryStarts, Tensor keyStarts, double dropout = 0, bool isCausal = false) =>
            new(Native.understudy_scaled_dot_product_attention_varlen(query.Handle, key.Handle, value.Handle, queryStarts.Handle, keyStarts.Handle, dropout, isCausal ? 1 : 0));
    }
}
