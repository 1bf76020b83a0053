namespace Understudy.Torch;

public static partial class nn
{
    public static partial class functional
    {
        // As native/kernels/normalization.cpp has them.
        private const int Around = 1;
        private const int Full = 2;
        private const int ForProducts = 4;

        /// <summary>Layer normalisation over the last dimension, in the type that a matrix product takes: 16 bit under <see cref="torch.autocast"/>, else x's.</summary>
        /// <param name="x">[..., features].</param>
        /// <param name="weight">[features].</param>
        /// <param name="bias">[features].</param>
        /// <param name="eps">Added to the variance.</param>
        public static Tensor layer_norm_for_products(Tensor x, Tensor weight, Tensor bias, double eps) =>
            Normalized(x, weight, bias, null, null, eps, ForProducts, 1)[0];

        /// <summary>Layer normalisation in x's type, and once more in the type that a matrix product takes; both gradients are found in one pass.</summary>
        /// <inheritdoc cref="layer_norm_for_products"/>
        public static (Tensor Full, Tensor ForProducts) layer_norm_twice(Tensor x, Tensor weight, Tensor bias, double eps) =>
            Normalized(x, weight, bias, null, null, eps, Full | ForProducts, 2) is [var full, var narrow] ? (full, narrow) : default;

        /// <summary>x, for the way around a layer, and its normalisation for the matrix products of the layer; the gradients of both ways are added in one pass.</summary>
        /// <inheritdoc cref="layer_norm_for_products"/>
        public static (Tensor Around, Tensor Normalized) layer_norm_branch(Tensor x, Tensor weight, Tensor bias, double eps) =>
            Normalized(x, weight, bias, null, null, eps, Around | ForProducts, 2) is [var around, var normed] ? (around, normed) : default;

        /// <summary>As <see cref="layer_norm_branch(Tensor, Tensor, Tensor, double)"/>, for two layers that read the same x through normalisations of their own.</summary>
        /// <param name="x">[..., features].</param>
        /// <param name="weight">[features], of the first.</param>
        /// <param name="bias">[features], of the first.</param>
        /// <param name="secondWeight">[features].</param>
        /// <param name="secondBias">[features].</param>
        /// <param name="eps">Added to the variance.</param>
        public static (Tensor Around, Tensor First, Tensor Second) layer_norm_branch(Tensor x, Tensor weight, Tensor bias, Tensor secondWeight, Tensor secondBias, double eps) =>
            Normalized(x, weight, bias, secondWeight, secondBias, eps, Around | ForProducts, 3) is [var around, var first, var second] ? (around, first, second) : default;

        /// <summary>Root mean square normalisation over the last dimension: computed in float32, cast to x's type, then scaled.</summary>
        /// <param name="x">[..., features].</param>
        /// <param name="weight">[features].</param>
        /// <param name="eps">Added to the mean square.</param>
        public static Tensor rms_norm(Tensor x, Tensor weight, double eps) => Normalized(x, weight, null, null, null, eps, Full, 1)[0];

        /// <summary>As <see cref="rms_norm"/>, in the type that a matrix product takes.</summary>
        /// <inheritdoc cref="rms_norm"/>
        public static Tensor rms_norm_for_products(Tensor x, Tensor weight, double eps) => Normalized(x, weight, null, null, null, eps, ForProducts, 1)[0];

        /// <summary>As <see cref="layer_norm_branch(Tensor, Tensor, Tensor, double)"/> with <see cref="rms_norm"/>.</summary>
        /// <inheritdoc cref="rms_norm"/>
        public static (Tensor Around, Tensor Normalized) rms_norm_branch(Tensor x, Tensor weight, double eps) =>
            Normalized(x, weight, null, null, null, eps, Around | ForProducts, 2) is [var around, var normed] ? (around, normed) : default;

        /// <summary>residual + dropout(x), in one pass.</summary>
        /// <param name="residual">Of any shape; its type is the result's.</param>
        /// <param name="x">The same shape, in the residual's type or in 16 bit.</param>
        /// <param name="p">Probability of dropping a number of <paramref name="x"/>; 0 outside of training.</param>
        public static Tensor dropout_add(Tensor residual, Tensor x, double p = 0) =>
            new(Native.understudy_dropout_add(residual.Handle, x.Handle, TensorHandle.Null, p));

        /// <summary>residual + dropout(first) + dropout(second), in one pass.</summary>
        /// <param name="residual">Of any shape; its type is the result's.</param>
        /// <param name="first">The same shape, in the residual's type or in 16 bit.</param>
        /// <param name="second">As <paramref name="first"/>.</param>
        /// <param name="p">Probability of dropping a number of <paramref name="first"/>, and one of <paramref name="second"/>; 0 outside of training.</param>
        public static Tensor dropout_add(Tensor residual, Tensor first, Tensor second, double p) =>
            new(Native.understudy_dropout_add(residual.Handle, first.Handle, second.Handle, p));

        /// <summary>gelu(x) * gated in one pass (Shazeer, arXiv 2002.05202).</summary>
        /// <param name="x">Of any shape.</param>
        /// <param name="gated">The same shape.</param>
        /// <param name="tanhApproximation">As in <see cref="gelu"/>.</param>
        public static Tensor gelu_gated(Tensor x, Tensor gated, bool tanhApproximation = false) =>
            new(Native.understudy_gated_activation(x.Handle, gated.Handle, tanhApproximation ? 1 : 0));

        /// <summary>silu(x) * gated in one pass (Shazeer, arXiv 2002.05202).</summary>
        /// <param name="x">Of any shape.</param>
        /// <param name="gated">The same shape.</param>
        public static Tensor silu_gated(Tensor x, Tensor gated) => new(Native.understudy_gated_activation(x.Handle, gated.Handle, 2));

        /// <summary>Query, key and value of one product, the first two rotated as by <see cref="rotary_embedding"/> where there are tables; their gradients are written into one tensor.</summary>
        /// <param name="fused">[batch, tokens, 3 x heads x head_dim].</param>
        /// <param name="heads">Number of heads.</param>
        /// <param name="byHead">Whether query, key and value of one head stand side by side (GPT-NeoX), or the queries of all heads before the keys of all (GPT-2).</param>
        /// <param name="cosine">[batch or 1, 1, tokens, rotated] float32; null for no rotation.</param>
        /// <param name="sine">As <paramref name="cosine"/>.</param>
        /// <returns>Each [batch, heads, tokens, head_dim], in memory as [batch, tokens, heads, head_dim].</returns>
        public static (Tensor Query, Tensor Key, Tensor Value) split_heads(Tensor fused, long heads, bool byHead, Tensor? cosine = null, Tensor? sine = null)
        {
            Span<nint> results = stackalloc nint[3];
            Native.Check(Native.understudy_split_heads(fused.Handle, heads, byHead ? 1 : 0, Tensor.HandleOf(cosine), Tensor.HandleOf(sine), results));
            return (Owned(results[0]), Owned(results[1]), Owned(results[2]));
        }

        private static Tensor[] Normalized(Tensor x, Tensor weight, Tensor? bias, Tensor? secondWeight, Tensor? secondBias, double eps, int outputs, int count)
        {
            Span<nint> results = stackalloc nint[count];
            Native.Check(Native.understudy_normalize(x.Handle, weight.Handle, Tensor.HandleOf(bias), Tensor.HandleOf(secondWeight), Tensor.HandleOf(secondBias), eps, bias is null ? 0 : 1, outputs, results));
            var tensors = new Tensor[count];
            for (var i = 0; i < count; i++)
            {
                tensors[i] = Owned(results[i]);
            }

            return tensors;
        }

        private static Tensor Owned(nint tensor) => new(new TensorHandle(tensor));
    }
}
