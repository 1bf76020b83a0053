using Understudy.Torch;

namespace Understudy.Models;

/// <summary>How a model's blocks are run, one after the other.</summary>
internal static class Blocks
{
    /// <summary>One block, with or without keeping what is inside it for the gradient.</summary>
    /// <param name="checkpointed">Whether the inside is computed again for the gradient.</param>
    /// <param name="x">What goes in.</param>
    /// <param name="block">The block.</param>
    internal static Tensor Run(bool checkpointed, Tensor x, Func<Tensor, Tensor> block) => block(x);
}
