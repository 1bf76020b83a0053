using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Understudy.Torch;

public sealed partial class Tensor
{
    /// <summary>Whether operations on this tensor are recorded for <see cref="backward"/>.</summary>
    public bool requires_grad
    {
        get => Native.understudy_requires_grad(handle) != 0;
        set => Native.Check(Native.understudy_set_requires_grad(handle, value ? 1 : 0));
    }

    /// <summary>The accumulated gradient, or null when there is none. A view: in-place changes reach the gradient itself.</summary>
    public Tensor? grad
    {
        get => Native.understudy_has_grad(handle) != 0 ? new Tensor(Native.understudy_grad(handle)) : null;
        set => Native.Check(Native.understudy_set_grad(handle, HandleOf(value)));
    }

    /// <summary>Sets <see cref="requires_grad"/>.</summary>
    /// <returns>This tensor.</returns>
    public Tensor requires_grad_(bool requiresGrad = true)
    {
        requires_grad = requiresGrad;
        return this;
    }

    /// <summary>Adds the gradient of this tensor with respect to every leaf that requires one to that leaf's <see cref="grad"/>.</summary>
    /// <param name="gradient">The gradient that arrives here; null for a scalar stands for 1.</param>
    /// <exception cref="TorchException">libtorch refuses, for example a second pass over the same graph.</exception>
    /// <remarks>What the function of a <see cref="torch.utils.checkpoint(Func{Tensor, Tensor}, Tensor)"/> throws when it is computed again comes out here.</remarks>
    public void backward(Tensor? gradient = null)
    {
        var status = Native.understudy_backward(handle, HandleOf(gradient), out var exception);
        if (exception != 0)
        {
            var thrown = GCHandle.FromIntPtr(exception);
            var captured = (ExceptionDispatchInfo)thrown.Target!;
            thrown.Free();
            captured.Throw();
        }

        Native.Check(status);
    }
}
