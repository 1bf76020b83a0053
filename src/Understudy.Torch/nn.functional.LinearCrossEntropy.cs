namespace Understudy.Torch;

public static partial class nn
{
    public static partial class functional
    {
        /// <summary>Sum over rows of weight x cross-entropy of x W^T + b against a row's class, without keeping the logits: their gradient takes their place, and rows of weight 0 are not computed.</summary>
        /// <param name="x">[rows, in_features], float32 or bfloat16; multiplied as <see cref="linear(Tensor, Tensor, Tensor)"/> would.</param>
        /// <param name="weight">[classes, in_features].</param>
        /// <param name="bias">[classes] or null.</param>
        /// <param name="targets">[rows] int64; not looked at where the weight is 0.</param>
        /// <param name="weights">[rows] float32. What a sum is divided by is best divided out of them: another factor on the result costs a pass over the gradients.</param>
        /// <param name="labelSmoothing">Share of the target spread evenly over all classes, from 0 to below 1.</param>
        /// <returns>A float32 scalar.</returns>
        /// <remarks>Gradients are computed at once; a second <c>backward</c> gives them again. Where there is no kernel (another device or type) it is <see cref="linear(Tensor, Tensor, Tensor)"/> and <see cref="weighted_cross_entropy"/>.</remarks>
        /// <exception cref="TorchException">A shape or type is another, or a counted target is not a class.</exception>
        public static Tensor linear_cross_entropy(Tensor x, Tensor weight, Tensor? bias, Tensor targets, Tensor weights, double labelSmoothing = 0)
        {
            if (Native.understudy_has_linear_cross_entropy(x.Handle, weight.Handle, Tensor.HandleOf(bias)) != 0)
            {
                return new(Native.understudy_linear_cross_entropy(x.Handle, weight.Handle, Tensor.HandleOf(bias), targets.Handle, weights.Handle, labelSmoothing));
            }

            using var scope = torch.NewDisposeScope();
            return scope.MoveToOuter(weighted_cross_entropy(linear(x, weight, bias), targets, weights, labelSmoothing));
        }
    }
}
