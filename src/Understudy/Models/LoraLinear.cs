using Understudy.Torch;

namespace Understudy.Models;

/// <summary>What an adapter has for one layer.</summary>
internal interface IAdapterLayer : ILinearAdapter
{
    /// <summary>Its weights under PEFT's names, float32.</summary>
    IReadOnlyList<NamedParameter> Parameters { get; }

    /// <summary>The layer's matrix with the adapter in it.</summary>
    /// <returns>[out_features, in_features] float32.</returns>
    Tensor MergedWeight(Linear layer);

    /// <summary>The layer's bias with the adapter in it; null when it stays as it is.</summary>
    Tensor? MergedBias { get; }
}

/// <summary>
/// LoRA on one layer: y = W x + b + s B A x, with W as it is (Hu et al., arXiv 2106.09685). With a magnitude m it is DoRA (Liu et al., arXiv
/// 2402.09353): rows of W + s B A are brought to the lengths m, and their own lengths count as constants for the gradient. Arithmetic of PEFT.
/// </summary>
internal sealed class LoraLinear : IAdapterLayer
{
    private readonly Tensor a;
    private readonly Tensor b;
    private readonly Tensor? magnitude;
    private readonly double scaling;
    private readonly double dropout;
    private readonly IPretrainedModel model;

    /// <summary>Puts the parts together.</summary>
    /// <param name="name">The layer's name with PEFT's prefix.</param>
    /// <param name="a">[rank, in_features].</param>
    /// <param name="b">[out_features, rank].</param>
    /// <param name="magnitude">[out_features] for DoRA; null for LoRA.</param>
    /// <param name="bias">[out_features], used instead of the layer's; null for the layer's.</param>
    /// <param name="scaling">Factor on B A.</param>
    /// <param name="dropout">Probability of dropping a number that goes into A in training.</param>
    /// <param name="model">The model that says whether it is in training.</param>
    internal LoraLinear(string name, Tensor a, Tensor b, Tensor? magnitude, Tensor? bias, double scaling, double dropout, IPretrainedModel model)
    {
        this.a = a;
        this.b = b;
        this.magnitude = magnitude;
        this.scaling = scaling;
        this.dropout = dropout;
        this.model = model;
        MergedBias = bias;
        List<NamedParameter> parameters = [new($"{name}.{LoraNames.A}", a), new($"{name}.{LoraNames.B}", b)];
        if (magnitude is not null) parameters.Add(new($"{name}.{LoraNames.Magnitude}", magnitude));
        if (bias is not null) parameters.Add(new($"{name}.{LoraNames.Bias}", bias));
        Parameters = parameters;
    }

    public IReadOnlyList<NamedParameter> Parameters { get; }

    public Tensor? MergedBias { get; }

    /// <summary>What is added to the layer's output, s B (A x); null for DoRA, which changes the layer's own share too.</summary>
    internal (Tensor A, Tensor B, double Scaling)? Change => magnitude is null ? (a, b, scaling) : null;

    public Tensor forward(Tensor x, Linear layer)
    {
        using var scope = torch.NewDisposeScope();
        var bias = MergedBias is null ? layer.Bias : MergedBias.to(layer.Bias!.dtype);
        var result = layer.Weight.Apply(x, bias);
        var input = x.to(a.dtype);
        var drops = dropout > 0 && model.Training;
        if (drops) input = nn.functional.dropout(input, dropout, training: true);
        var change = nn.functional.linear(nn.functional.linear(input, a), b) * scaling;
        if (magnitude is null) return scope.MoveToOuter((result + change).to(result.dtype));

        var scale = magnitude / Lengths(layer);
        // What was dropped is missing from the whole product, so that it has to be computed again.
        var plain = drops ? nn.functional.linear(input, layer.Weight.Dense().to(a.dtype)) : bias is null ? result : result - bias;
        return scope.MoveToOuter((result + (scale - 1) * plain + scale * change).to(result.dtype));
    }

    public Tensor MergedWeight(Linear layer)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        var changed = Changed(layer.Weight, a, b, scaling);
        return scope.MoveToOuter(magnitude is null ? changed : changed * (magnitude / changed.norm(1)).unsqueeze(1));
    }

    /// <summary>Lengths of the rows of W + s B A, with which a new magnitude begins.</summary>
    /// <returns>[out_features] float32.</returns>
    internal static Tensor LengthsOf(ILinearWeight weight, Tensor a, Tensor b, double scaling)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        return scope.MoveToOuter(Changed(weight, a, b, scaling).norm(1));
    }

    private Tensor Lengths(Linear layer) => LengthsOf(layer.Weight, a, b, scaling);

    private static Tensor Changed(ILinearWeight weight, Tensor a, Tensor b, double scaling)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(weight.Dense().to(a.dtype) + b.matmul(a) * scaling);
    }
}

/// <summary>A layer that an adapter replaces as a whole: the head of a classifier.</summary>
internal sealed class SavedLinear : IAdapterLayer
{
    private readonly Tensor weight;

    /// <summary>Puts the parts together.</summary>
    /// <param name="name">The layer's name with PEFT's prefix.</param>
    /// <param name="weight">In the layout of the layer.</param>
    /// <param name="bias">[out_features], or null for none.</param>
    internal SavedLinear(string name, Tensor weight, Tensor? bias)
    {
        this.weight = weight;
        MergedBias = bias;
        Parameters = bias is null ? [new($"{name}.weight", weight)] : [new($"{name}.weight", weight), new($"{name}.bias", bias)];
    }

    public IReadOnlyList<NamedParameter> Parameters { get; }

    public Tensor? MergedBias { get; }

    public Tensor forward(Tensor x, Linear layer)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(nn.functional.linear(x.to(weight.dtype), OutIn(layer), MergedBias).to(x.dtype));
    }

    public Tensor MergedWeight(Linear layer)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        return scope.MoveToOuter(OutIn(layer).detach());
    }

    private Tensor OutIn(Linear layer) => layer.Weight is DenseWeight { Layout: LinearLayout.InOut } ? weight.t() : weight.alias();
}

/// <summary>How PEFT calls the parts of a layer's adapter.</summary>
internal static class LoraNames
{
    /// <summary>What stands before the name of a layer.</summary>
    internal const string Prefix = "base_model.model.";

    internal const string A = "lora_A.weight";
    internal const string B = "lora_B.weight";
    internal const string Magnitude = "lora_magnitude_vector";

    /// <summary>Where PEFT looks for the bias of an adapted layer.</summary>
    internal const string Bias = "base_layer.bias";

    /// <summary>The name this library uses for one of a file, which may have the adapter's name in it, or an older spelling.</summary>
    /// <param name="name">For example <c>base_model.model.h.0.attn.c_attn.lora_A.default.weight</c>.</param>
    /// <param name="adapted">Whether a layer of this name has low-rank matrices.</param>
    internal static string Canonical(string name, Func<string, bool> adapted)
    {
        var rest = name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;
        foreach (var (part, canonical, bare) in new[] { ("lora_A", A, false), ("lora_B", B, false), (Magnitude, Magnitude, true) })
        {
            var at = rest.IndexOf($".{part}", StringComparison.Ordinal);
            if (at < 0) continue;
            var after = rest[(at + 1 + part.Length)..].Split('.', StringSplitOptions.RemoveEmptyEntries);
            var known = bare ? after.Length <= 1 || (after.Length == 2 && after[1] == "weight") : after.Length is 1 or 2 && after[^1] == "weight";
            return known ? $"{Prefix}{rest[..at]}.{canonical}" : name;
        }

        const string Saved = ".modules_to_save.";
        if (rest.IndexOf(Saved, StringComparison.Ordinal) is >= 0 and var saved && rest.IndexOf('.', saved + Saved.Length) is >= 0 and var end)
        {
            return Prefix + rest[..saved] + rest[end..];
        }

        return rest.EndsWith(".bias", StringComparison.Ordinal) && adapted(rest[..^".bias".Length]) ? $"{Prefix}{rest[..^".bias".Length]}.{Bias}" : Prefix + rest;
    }
}
