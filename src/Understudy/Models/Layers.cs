using Understudy.Torch;

namespace Understudy.Models;

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

    /// <summary>Added to the variance.</summary>
    public double Eps { get; } = eps;

    /// <summary>Takes <c>{name}.weight</c> and <c>{name}.bias</c> from a source.</summary>
    public static LayerNorm Take(IParameterSource source, string name, long features, double eps) => new(
        source.Take($"{name}.weight", ParameterInit.Ones, features),
        source.Take($"{name}.bias", ParameterInit.Zeros, features),
        eps);

    /// <summary>[..., features], the same shape out.</summary>
    public Tensor forward(Tensor x) => nn.functional.layer_norm(x, shape, Weight, Bias, Eps);

    /// <summary>Where only matrix products read what comes out: in the type that they take.</summary>
    public Tensor ForProducts(Tensor x) => nn.functional.layer_norm_for_products(x, Weight, Bias, Eps);

    /// <summary>For the residual stream in its own type, and for the matrix products of the next layer in theirs.</summary>
    public (Tensor Residual, Tensor ForProducts) Twice(Tensor x) => nn.functional.layer_norm_twice(x, Weight, Bias, Eps);

    /// <summary>x for the way around a layer, and what the layer's matrix products read.</summary>
    public (Tensor Residual, Tensor ForProducts) Branch(Tensor x) => nn.functional.layer_norm_branch(x, Weight, Bias, Eps);

    /// <summary>x for the way around two layers, and what the matrix products of the first and of the second read, which has a norm of its own.</summary>
    public (Tensor Residual, Tensor First, Tensor Second) Branch(Tensor x, LayerNorm second) => nn.functional.layer_norm_branch(x, Weight, Bias, second.Weight, second.Bias, Eps);
}

/// <summary>Root mean square normalisation over the last dimension (Zhang and Sennrich, arXiv 1910.07467; as in Llama and T5: computed in float32, cast back, then scaled).</summary>
/// <param name="weight">[features].</param>
/// <param name="eps">Added to the mean square.</param>
public sealed class RmsNorm(Tensor weight, double eps)
{
    /// <summary>[features].</summary>
    public Tensor Weight { get; } = weight;

    /// <summary>Added to the mean square.</summary>
    public double Eps { get; } = eps;

    /// <summary>Takes <c>{name}.weight</c> from a source.</summary>
    public static RmsNorm Take(IParameterSource source, string name, long features, double eps) =>
        new(source.Take($"{name}.weight", ParameterInit.Ones, features), eps);

    /// <summary>[..., features], the same shape out.</summary>
    public Tensor forward(Tensor x) => nn.functional.rms_norm(x, Weight, Eps);

    /// <summary>Where only matrix products read what comes out: in the type that they take.</summary>
    public Tensor ForProducts(Tensor x) => nn.functional.rms_norm_for_products(x, Weight, Eps);

    /// <summary>x for the way around a layer, and what the layer's matrix products read.</summary>
    public (Tensor Residual, Tensor ForProducts) Branch(Tensor x) => nn.functional.rms_norm_branch(x, Weight, Eps);
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

/// <summary>Dropout that costs nothing when it is off, alone and with the sum that follows it.</summary>
internal static class DropoutLayer
{
    /// <summary>The residual stream plus what is left of a layer's output.</summary>
    internal static Tensor DropAndAdd(Tensor residual, Tensor x, double probability) => nn.functional.dropout_add(residual, x, probability);

    /// <summary>Drops numbers with a probability and scales the others up; the tensor itself for 0.</summary>
    internal static Tensor Drop(Tensor x, double probability) => probability > 0 ? nn.functional.dropout(x, probability, training: true) : x;
}
