using Understudy.Torch;

namespace Understudy.Models;

/// <summary>A weight and its name in a Hugging Face checkpoint.</summary>
/// <param name="Name">For example <c>gpt_neox.embed_in.weight</c>.</param>
/// <param name="Value">The weight itself; training changes it in place.</param>
public sealed record NamedParameter(string Name, Tensor Value);

/// <summary>Collects the weights and linear layers that a model takes while it is built, in that order.</summary>
internal sealed class RecordingSource(IParameterSource inner) : IParameterSource
{
    internal List<NamedParameter> Taken { get; } = [];

    internal List<Linear> Linears { get; } = [];

    public Tensor Take(string name, ParameterInit init, params ReadOnlySpan<long> shape)
    {
        var value = inner.Take(name, init, shape);
        Taken.Add(new NamedParameter(name, value));
        return value;
    }

    public ILinearWeight TakeLinear(string name, long inFeatures, long outFeatures, LinearLayout layout, bool quantizable)
    {
        var weight = inner.TakeLinear(name, inFeatures, outFeatures, layout, quantizable);
        Taken.AddRange(weight.Parameters);
        return weight;
    }

    public bool QuantizesOutput => inner.QuantizesOutput;

    public bool Has(string name) => inner.Has(name);

    public bool HasOwn(string name, string main) => inner.HasOwn(name, main);

    public void Built(Linear layer)
    {
        Linears.Add(layer);
        // A model inside another one is built from the other one's record.
        inner.Built(layer);
    }
}

/// <summary>All tensors of a model at once.</summary>
internal static class ModelTensors
{
    /// <summary>Bytes of the weights in the types that they are held in.</summary>
    internal static long WeightBytes(this IPretrainedModel model) => model.Parameters.Sum(parameter => parameter.Value.numel() * parameter.Value.dtype.ElementSize());

    /// <summary>Frees weights and buffers.</summary>
    internal static void Free(IPretrainedModel model)
    {
        PackedModel.Forget(model);
        foreach (var tensor in model.Parameters.Concat(model.Buffers))
        {
            tensor.Value.Dispose();
        }
    }
}
