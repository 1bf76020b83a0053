using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>Weights for a model that is only timed: a block of random numbers again and again, held as the run would hold them. Copying is many times faster than drawing.</summary>
internal sealed class PlanParameters : IParameterSource, IDisposable
{
    private const int BlockSize = 1 << 20;

    private readonly Tensor block;
    private readonly LoraOptions? held;
    private readonly Device device;

    /// <summary>A source.</summary>
    /// <param name="held">How an adapter's base is held; null for float32.</param>
    /// <param name="device">Where the weights are put.</param>
    public PlanParameters(LoraOptions? held, Device device)
    {
        (this.held, this.device) = (held, device);
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(1);
        block = DisposeScope.Detach(torch.empty([BlockSize]).normal_(0, 0.02, numbers));
    }

    /// <inheritdoc/>
    public Tensor Take(string name, ParameterInit init, params ReadOnlySpan<long> shape)
    {
        using var scope = torch.NewDisposeScope();
        var wide = init switch
        {
            ParameterInit.Ones => torch.ones(shape),
            ParameterInit.Zeros => torch.zeros(shape),
            _ => Filled(shape),
        };
        var type = held?.BaseDtype.ToScalarType() ?? ScalarType.Float32;
        return DisposeScope.Detach(wide.to(type, device)).requires_grad_();
    }

    /// <inheritdoc/>
    public ILinearWeight TakeLinear(string name, long inFeatures, long outFeatures, LinearLayout layout = LinearLayout.OutIn, bool quantizable = true)
    {
        if (!quantizable || held is null or { BaseQuantization: WeightQuantization.None })
        {
            return new DenseWeight(name, layout == LinearLayout.InOut ? Take(name, ParameterInit.Normal, inFeatures, outFeatures) : Take(name, ParameterInit.Normal, outFeatures, inFeatures), layout);
        }

        using var wide = Take(name, ParameterInit.Normal, outFeatures, inFeatures);
        return held.BaseQuantization == WeightQuantization.Nf4 ? Nf4Weight.Quantize(name, wide) : Int8Weight.Quantize(name, wide);
    }

    /// <inheritdoc/>
    public void Dispose() => block.Dispose();

    private Tensor Filled(ReadOnlySpan<long> shape)
    {
        var weight = torch.empty(shape);
        var flat = weight.view(-1);
        var count = flat.numel();
        for (var start = 0L; start < count; start += BlockSize)
        {
            using var piece = torch.NewDisposeScope();
            var length = Math.Min(BlockSize, count - start);
            flat.narrow(0, start, length).copy_(block.narrow(0, 0, length));
        }

        return weight;
    }
}
