using Understudy.Torch;

namespace Understudy.Models;

/// <summary>y = x W^T + b.</summary>
/// <param name="weight">[out_features, in_features].</param>
/// <param name="bias">[out_features], or null for none.</param>
public sealed class Linear(Tensor weight, Tensor? bias)
{
    /// <summary>[out_features, in_features].</summary>
    public Tensor Weight { get; } = weight;

    /// <summary>[out_features], or null.</summary>
    public Tensor? Bias { get; } = bias;

    /// <summary>Takes <c>{name}.weight</c> and, where there is one, <c>{name}.bias</c> from a source.</summary>
    public static Linear Take(IParameterSource source, string name, long inFeatures, long outFeatures, bool bias = true) => new(
        source.Take($"{name}.weight", ParameterInit.Normal, outFeatures, inFeatures),
        bias ? source.Take($"{name}.bias", ParameterInit.Zeros, outFeatures) : null);

    /// <summary>[..., in_features] to [..., out_features].</summary>
    public Tensor forward(Tensor x) => nn.functional.linear(x, Weight, Bias);
}

/// <summary>Layer normalisation over the last dimension (Ba, Kiros and Hinton, arXiv 1607.06450).</summary>
/// <param name="weight">[features].</param>
/// <param name="bias">[features].</param>
/// <param name="eps">Added to the variance.</param>
public sealed class LayerNorm(Tensor weight, Tensor bias, double eps)
{
    private readonly long[] shape = weight.shape;

    /// <summary>[features].</summary>
    public Tensor Weight { get; } = weight;

    /// <summary>[features].</summary>
    public Tensor Bias { get; } = bias;

    /// <summary>Takes <c>{name}.weight</c> and <c>{name}.bias</c> from a source.</summary>
    public static LayerNorm Take(IParameterSource source, string name, long features, double eps) => new(
        source.Take($"{name}.weight", ParameterInit.Ones, features),
        source.Take($"{name}.bias", ParameterInit.Zeros, features),
        eps);

    /// <summary>[..., features], the same shape out.</summary>
    public Tensor forward(Tensor x) => nn.functional.layer_norm(x, shape, Weight, Bias, eps);
}

/// <summary>A table of rows looked up by number.</summary>
/// <param name="weight">[rows, features].</param>
/// <param name="paddingIdx">A row that is not trained; -1 for none.</param>
public sealed class Embedding(Tensor weight, long paddingIdx = -1)
{
    /// <summary>[rows, features].</summary>
    public Tensor Weight { get; } = weight;

    /// <summary>Takes <c>{name}.weight</c> from a source.</summary>
    public static Embedding Take(IParameterSource source, string name, long rows, long features, long paddingIdx = -1) =>
        new(source.Take($"{name}.weight", ParameterInit.Normal, rows, features), paddingIdx);

    /// <summary>int64 of any shape to [..., features].</summary>
    public Tensor forward(Tensor ids) => nn.functional.embedding(ids, Weight, paddingIdx);
}
