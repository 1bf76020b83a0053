using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Weights without numbers: every one has its shape, and all of them look at one zero. For models that are looked at and not computed with.</summary>
public sealed class OutlineParameters : IParameterSource
{
    /// <inheritdoc/>
    public Tensor Take(string name, ParameterInit init, params ReadOnlySpan<long> shape)
    {
        using var scope = torch.NewDisposeScope();
        return DisposeScope.Detach(torch.zeros([1]).expand(shape)).requires_grad_();
    }
}
