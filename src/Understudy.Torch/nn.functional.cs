namespace Understudy.Torch;

/// <summary>Neural-network operations, with TorchSharp's names.</summary>
public static partial class nn
{
    /// <summary>Layer operations without state.</summary>
    public static partial class functional
    {
#pragma warning disable CS1591 // Each of these is libtorch's operation of the same name; see its documentation.
        public static Tensor relu(Tensor x) => new(Native.understudy_relu(x.Handle));
        public static Tensor silu(Tensor x) => new(Native.understudy_silu(x.Handle));
        public static Tensor dropout(Tensor x, double p, bool training) => new(Native.understudy_dropout(x.Handle, p, training ? 1 : 0));
#pragma warning restore CS1591

        /// <summary>x W^T + b.</summary>
        /// <param name="x">[..., in_features].</param>
        /// <param name="weight">[out_features, in_features].</param>
        /// <param name="bias">[out_features] or null.</param>
        public static Tensor linear(Tensor x, Tensor weight, Tensor? bias = null) =>
            new(Native.understudy_linear(x.Handle, weight.Handle, Tensor.HandleOf(bias)));

        /// <summary>Rows of a table.</summary>
        /// <param name="x">Row numbers, int64, any shape.</param>
        /// <param name="weight">[rows, features].</param>
        /// <param name="paddingIdx">A row whose gradient stays zero; -1 for none.</param>
        public static Tensor embedding(Tensor x, Tensor weight, long paddingIdx = -1) =>
            new(Native.understudy_embedding(weight.Handle, x.Handle, paddingIdx));

        /// <summary>Normalisation over the last dimensions, as many as <paramref name="normalizedShape"/> names.</summary>
        public static Tensor layer_norm(Tensor x, ReadOnlySpan<long> normalizedShape, Tensor? weight, Tensor? bias, double eps) =>
            new(Native.understudy_layer_norm(x.Handle, normalizedShape, normalizedShape.Length, Tensor.HandleOf(weight), Tensor.HandleOf(bias), eps));

        /// <summary>Gaussian error linear unit: exact (erf), or its tanh approximation (Hendrycks and Gimpel, arXiv 1606.08415).</summary>
        public static Tensor gelu(Tensor x, bool tanhApproximation = false) =>
            new(Native.understudy_gelu(x.Handle, tanhApproximation ? 1 : 0));

        /// <summary>Rotates the first numbers of every head by the angle of its position, halves layout (Su et al., arXiv 2104.09864, in GPT-NeoX's arrangement).</summary>
        /// <param name="x">[batch, heads, tokens, head_dim]; the last dimension contiguous.</param>
        /// <param name="cosine">[batch or 1, 1, tokens, rotated], float32; rotated is even and at most head_dim, the rest is copied.</param>
        /// <param name="sine">[batch or 1, 1, tokens, rotated], float32.</param>
        /// <returns>The shape and type of <paramref name="x"/>.</returns>
        public static Tensor rotary_embedding(Tensor x, Tensor cosine, Tensor sine) =>
            new(Native.understudy_rotary_embedding(x.Handle, cosine.Handle, sine.Handle));

        /// <summary>Sum over rows of weight x cross-entropy of a row's logits against its class. One pass over the logits, whose gradient has their type.</summary>
        /// <param name="logits">[rows, classes], float32 or bfloat16.</param>
        /// <param name="targets">[rows] int64; not looked at where the weight is 0.</param>
        /// <param name="weights">[rows] float32.</param>
        /// <param name="labelSmoothing">Share of the target spread evenly over all classes, from 0 to below 1.</param>
        /// <returns>A float32 scalar.</returns>
        /// <exception cref="TorchException">A shape or type is another, or a counted target is not a class.</exception>
        public static Tensor weighted_cross_entropy(Tensor logits, Tensor targets, Tensor weights, double labelSmoothing = 0) =>
            new(Native.understudy_weighted_cross_entropy(logits.Handle, targets.Handle, weights.Handle, labelSmoothing));
    }
}
