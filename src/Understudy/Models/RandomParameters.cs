using Understudy.Torch;

namespace Understudy.Models;

/// <summary>New weights from a seed. The same seed and names give the same weights, in whatever order they are taken.</summary>
public sealed class RandomParameters : IParameterSource
{
    private readonly long seed;
    private readonly double standardDeviation;
    private readonly Device device;

    /// <summary>A source of new weights.</summary>
    /// <param name="seed">Seed of all of them.</param>
    /// <param name="standardDeviation">Spread of <see cref="ParameterInit.Normal"/>: the configuration's <c>initializer_range</c>.</param>
    /// <param name="device">Where they are put; the CPU when null.</param>
    public RandomParameters(long seed, double standardDeviation = 0.02, Device? device = null)
    {
        this.seed = seed;
        this.standardDeviation = standardDeviation;
        this.device = device ?? Device.CPU;
    }

    /// <inheritdoc/>
    public Tensor Take(string name, ParameterInit init, params ReadOnlySpan<long> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        using var scope = torch.NewDisposeScope();
        using var generator = NumbersFor(seed, name);
        var values = init switch
        {
            ParameterInit.Normal => torch.empty(shape).normal_(0, standardDeviation, generator),
            ParameterInit.Ones => torch.ones(shape),
            _ => torch.zeros(shape),
        };
        return DisposeScope.Detach(values.to(device)).requires_grad_();
    }

    /// <summary>The random numbers of one weight: the same for the same seed and name.</summary>
    internal static Generator NumbersFor(long seed, string name) => new(seed ^ StableHash(name));

    // FNV-1a, 64 bit: string.GetHashCode differs from process to process.
    private static long StableHash(string text)
    {
        var hash = 14695981039346656037UL;
        foreach (var character in text)
        {
            hash = (hash ^ character) * 1099511628211UL;
        }

        return unchecked((long)hash);
    }
}
