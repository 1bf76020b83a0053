using Understudy.Torch;

namespace Understudy.Models;

/// <summary>How a checkpoint stores the weight of a linear layer.</summary>
public enum LinearLayout
{
    /// <summary>[out_features, in_features], as <c>torch.nn.Linear</c>.</summary>
    OutIn,

    /// <summary>[in_features, out_features], as GPT-2's <c>Conv1D</c>.</summary>
    InOut,
}

/// <summary>The matrix of a linear layer, in whatever form it is held.</summary>
public interface ILinearWeight
{
    /// <summary>Numbers that go in.</summary>
    long InFeatures { get; }

    /// <summary>Numbers that come out.</summary>
    long OutFeatures { get; }

    /// <summary>y = x W^T + b.</summary>
    /// <param name="x">[..., in_features].</param>
    /// <param name="bias">[out_features], or null.</param>
    /// <returns>[..., out_features].</returns>
    Tensor Apply(Tensor x, Tensor? bias);

    /// <summary>The matrix as numbers, [out_features, in_features], outside of any gradient; it belongs to the caller's dispose scope and may share memory with the weight.</summary>
    Tensor Dense();

    /// <summary>What a checkpoint holds of it, under the names it is stored by.</summary>
    IReadOnlyList<NamedParameter> Parameters { get; }
}

/// <summary>A matrix held as it is.</summary>
/// <param name="name">Its name in a checkpoint.</param>
/// <param name="value">The matrix in its stored layout.</param>
/// <param name="layout">Which side comes first.</param>
public sealed class DenseWeight(string name, Tensor value, LinearLayout layout = LinearLayout.OutIn) : ILinearWeight
{
    private readonly bool transposed = layout == LinearLayout.InOut;

    /// <summary>The matrix in its stored layout.</summary>
    public Tensor Value { get; } = value;

    /// <summary>Which side comes first.</summary>
    public LinearLayout Layout { get; } = layout;

    /// <inheritdoc/>
    public long InFeatures { get; } = value.size(layout == LinearLayout.InOut ? 0 : 1);

    /// <inheritdoc/>
    public long OutFeatures { get; } = value.size(layout == LinearLayout.InOut ? 1 : 0);

    /// <inheritdoc/>
    public IReadOnlyList<NamedParameter> Parameters { get; } = [new(name, value)];

    /// <inheritdoc/>
    public Tensor Apply(Tensor x, Tensor? bias)
    {
        if (!transposed) return nn.functional.linear(x, Value, bias);
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(nn.functional.linear(x, Value.t(), bias));
    }

    /// <inheritdoc/>
    public Tensor Dense()
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(transposed ? Value.detach().t() : Value.detach());
    }
}

/// <summary>What stands beside a linear layer and changes what comes out of it.</summary>
public interface ILinearAdapter
{
    /// <summary>The layer's output with the adapter.</summary>
    /// <param name="x">[..., in_features].</param>
    /// <param name="layer">The layer.</param>
    /// <returns>[..., out_features].</returns>
    Tensor forward(Tensor x, Linear layer);
}

/// <summary>y = x W^T + b.</summary>
/// <param name="name">Its path in the model, as in a checkpoint and without <c>.weight</c>.</param>
/// <param name="weight">The matrix.</param>
/// <param name="bias">[out_features], or null for none.</param>
/// <param name="isHead">Whether it makes the model's output: such a layer is quantised only where its source says so (<see cref="IParameterSource.QuantizesOutput"/>), and <c>all-linear</c> leaves it out.</param>
public sealed class Linear(string name, ILinearWeight weight, Tensor? bias, bool isHead = false)
{
    /// <summary>Its path in the model, for example <c>gpt_neox.layers.0.attention.dense</c>.</summary>
    public string Name { get; } = name;

    /// <summary>The matrix.</summary>
    public ILinearWeight Weight { get; } = weight;

    /// <summary>[out_features], or null.</summary>
    public Tensor? Bias { get; } = bias;

    /// <summary>Whether it makes the model's output.</summary>
    public bool IsHead { get; } = isHead;

    /// <summary>Whether its matrix may be held in fewer bits.</summary>
    /// <value>The default value is true for all layers but those that make the model's output.</value>
    public bool IsQuantizable { get; init; } = !isHead;

    /// <summary>The adapter at work; null for the layer alone.</summary>
    public ILinearAdapter? Adapter { get; set; }

    /// <summary>Takes <c>{name}.weight</c> and, where there is one, <c>{name}.bias</c> from a source.</summary>
    /// <param name="source">A checkpoint or new weights.</param>
    /// <param name="name">The layer's path.</param>
    /// <param name="inFeatures">Numbers that go in.</param>
    /// <param name="outFeatures">Numbers that come out.</param>
    /// <param name="bias">Whether it has a bias.</param>
    /// <param name="layout">Which side of the stored matrix comes first.</param>
    /// <param name="isHead">Whether it makes the model's output.</param>
    /// <param name="isQuantizable">Whether it may be held in fewer bits; output layers are where the source says so alone.</param>
    public static Linear Take(
        IParameterSource source, string name, long inFeatures, long outFeatures, bool bias = true, LinearLayout layout = LinearLayout.OutIn, bool isHead = false, bool isQuantizable = true)
    {
        ArgumentNullException.ThrowIfNull(source);
        isQuantizable &= !isHead;
        var weight = source.TakeLinear($"{name}.weight", inFeatures, outFeatures, layout, isQuantizable || (isHead && source.QuantizesOutput));
        var linear = new Linear(name, weight, bias ? source.Take($"{name}.bias", ParameterInit.Zeros, outFeatures) : null, isHead) { IsQuantizable = isQuantizable };
        source.Built(linear);
        return linear;
    }

    /// <summary>An output layer that shares the weight of an embedding.</summary>
    /// <param name="source">Where the model's layers are recorded.</param>
    /// <param name="name">The layer's path.</param>
    /// <param name="embedding">[out_features, in_features].</param>
    /// <param name="bias">[out_features], or null.</param>
    public static Linear Tied(IParameterSource source, string name, Tensor embedding, Tensor? bias = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        var linear = new Linear(name, new DenseWeight($"{name}.weight", embedding), bias, isHead: true);
        source.Built(linear);
        return linear;
    }

    /// <summary>What several layers make of one input, which is then read, cast and differentiated once.</summary>
    /// <param name="x">[..., in_features].</param>
    /// <param name="layers">At least one.</param>
    /// <returns>One for each layer, [..., out_features].</returns>
    public static Tensor[] Together(Tensor x, params ReadOnlySpan<Linear> layers)
    {
        var weights = new List<Tensor>();
        var biases = new List<Tensor?>();
        foreach (var layer in layers)
        {
            if (layer is not { Adapter: null, Weight: DenseWeight { Layout: LinearLayout.OutIn } dense })
            {
                var each = new Tensor[layers.Length];
                for (var i = 0; i < each.Length; i++) each[i] = layers[i].forward(x);
                return each;
            }

            weights.Add(dense.Value);
            biases.Add(layer.Bias);
        }

        return nn.functional.linear(x, weights, biases);
    }

    /// <summary>[..., in_features] to [..., out_features].</summary>
    public Tensor forward(Tensor x) => Adapter is null ? Weight.Apply(x, Bias) : Adapter.forward(x, this);
}
