using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Weights without numbers: every one has its shape, and all of them look at one zero. For models that are looked at and not computed with.</summary>
public sealed class OutlineParameters : IParameterSource
{
    // So many, ten of them in each of the most blocks, with an optimiser's state, can be counted in 64 bits.
    internal const long MostNumbers = 1L << 40;

    /// <inheritdoc/>
    /// <exception cref="OverflowException">The shape has more numbers than any model's.</exception>
    public Tensor Take(string name, ParameterInit init, params ReadOnlySpan<long> shape)
    {
        var numbers = 1L;
        foreach (var size in shape)
        {
            numbers = checked(numbers * size);
            // What is negative was a sum or a product of 32 bits.
            if (size < 0 || numbers > MostNumbers) throw new OverflowException($"The sizes of '{name}' make more than {MostNumbers:N0} numbers.");
        }

        using var scope = torch.NewDisposeScope();
        return DisposeScope.Detach(torch.zeros([1]).expand(shape)).requires_grad_();
    }
}
