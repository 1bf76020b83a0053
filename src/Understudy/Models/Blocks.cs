using Understudy.Torch;

namespace Understudy.Models;

/// <summary>How a model's blocks are run, one after the other.</summary>
internal static class Blocks
{
    /// <summary>One block, with or without keeping what is inside it for the gradient.</summary>
    /// <param name="checkpointed">Whether the inside is computed again for the gradient.</param>
    /// <param name="x">What goes in.</param>
    /// <param name="block">The block. What else it reads is constant: masks, rotary tables.</param>
    internal static Tensor Run(bool checkpointed, Tensor x, Func<Tensor, Tensor> block)
    {
        if (checkpointed) return torch.utils.checkpoint(block, x);
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(block(x));
    }

    /// <summary>One block that reads more than one tensor with a gradient, such as a decoder's that also sees the encoder's output.</summary>
    /// <param name="checkpointed">Whether the inside is computed again for the gradient.</param>
    /// <param name="inputs">Every tensor with a gradient that goes in. One that goes into several blocks is given to each as a view of its own: then its gradient is summed block by block, with checkpoints or without.</param>
    /// <param name="block">The block; it takes them from its argument, not from outside.</param>
    internal static Tensor Run(bool checkpointed, IReadOnlyList<Tensor> inputs, Func<IReadOnlyList<Tensor>, Tensor> block)
    {
        if (checkpointed) return torch.utils.checkpoint(block, inputs);
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(block(inputs));
    }
}
