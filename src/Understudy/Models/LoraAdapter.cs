using Understudy.Torch;

namespace Understudy.Models;

/// <summary>One adapter on a base model: a pair of small matrices for each layer that it changes. Made by <see cref="LoraModel"/>.</summary>
public sealed class LoraAdapter : IDisposable
{
    /// <summary>Gives the weight of a name; null leaves it out.</summary>
    /// <param name="name">PEFT's name.</param>
    /// <param name="shape">Its sizes.</param>
    /// <param name="layer">The layer that it belongs to.</param>
    /// <param name="fresh">Makes a new one.</param>
    internal delegate Tensor? Source(string name, long[] shape, Linear layer, Func<Tensor> fresh);

    private LoraAdapter(string name, LoraConfig config, IReadOnlyDictionary<Linear, IAdapterLayer> layers)
    {
        Name = name;
        Config = config;
        Layers = layers;
        Parameters = [.. layers.Values.SelectMany(layer => layer.Parameters)];
    }

    /// <summary>What it is called on its base.</summary>
    public string Name { get; }

    /// <summary>What it looks like.</summary>
    public LoraConfig Config { get; }

    /// <summary>All its weights under PEFT's names, float32, to be trained in place of the base's.</summary>
    public IReadOnlyList<NamedParameter> Parameters { get; }

    /// <summary>Names of the layers that it changes.</summary>
    public IReadOnlyList<string> LayerNames => [.. Layers.Keys.Select(layer => layer.Name)];

    internal IReadOnlyDictionary<Linear, IAdapterLayer> Layers { get; }

    /// <summary>Whether the layers it changes are stored as [in_features, out_features].</summary>
    internal bool FanInFanOut => Layers.Keys.Any(layer => layer.Weight is DenseWeight { Layout: LinearLayout.InOut });

    /// <summary>Puts an adapter together.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="config">What it looks like.</param>
    /// <param name="model">Its base.</param>
    /// <param name="seed">Seed of what is new.</param>
    /// <param name="source">Where its weights come from.</param>
    internal static LoraAdapter Build(string name, LoraConfig config, IPretrainedModel model, long seed, Source source)
    {
        using var scope = torch.NewDisposeScope();
        var (adapted, saved) = LoraTargets.Of(config, model);
        var layers = new Dictionary<Linear, IAdapterLayer>();
        foreach (var layer in adapted) layers.Add(layer, Adapted(config, model, layer, seed, source));
        foreach (var layer in saved)
        {
            var shape = layer.Weight is DenseWeight { Layout: LinearLayout.InOut } ? new[] { layer.Weight.InFeatures, layer.Weight.OutFeatures } : [layer.Weight.OutFeatures, layer.Weight.InFeatures];
            var weight = source($"{LoraNames.Prefix}{layer.Name}.weight", shape, layer, () => Stored(layer))!;
            var bias = layer.Bias is null ? null : source($"{LoraNames.Prefix}{layer.Name}.bias", [layer.Weight.OutFeatures], layer, () => Copy(layer.Bias))!;
            layers.Add(layer, new SavedLinear(LoraNames.Prefix + layer.Name, weight, bias));
        }

        var adapter = new LoraAdapter(name, config, layers);
        foreach (var parameter in adapter.Parameters) DisposeScope.Detach(parameter.Value).requires_grad_();
        return adapter;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in Parameters) parameter.Value.Dispose();
    }

    private static LoraLinear Adapted(LoraConfig config, IPretrainedModel model, Linear layer, long seed, Source source)
    {
        var (rank, scaling) = LoraTargets.Scaling(config, layer.Name);
        var name = LoraNames.Prefix + layer.Name;
        var (input, output) = (layer.Weight.InFeatures, layer.Weight.OutFeatures);
        var device = layer.Weight.Parameters[0].Value.device;
        var a = source($"{name}.{LoraNames.A}", [rank, input], layer, () => NewA(config.InitLoraWeights, rank, input, seed, layer.Name).to(device))!;
        var b = source($"{name}.{LoraNames.B}", [output, rank], layer, () => NewB(config.InitLoraWeights, rank, output, seed, layer.Name).to(device))!;
        var magnitude = config.UseDora ? source($"{name}.{LoraNames.Magnitude}", [output], layer, () => LoraLinear.LengthsOf(layer.Weight, a, b, scaling)) : null;
        // PEFT itself leaves these biases out of the file, so that a missing one is the base's.
        var bias = config.Bias == LoraBias.LoraOnly && layer.Bias is not null ? source($"{name}.{LoraNames.Bias}", [output], layer, () => Copy(layer.Bias)) ?? Copy(layer.Bias) : null;
        return new LoraLinear(name, a, b, magnitude, bias, scaling, config.LoraDropout, model);
    }

    private static Tensor NewA(LoraInit init, int rank, long input, long seed, string layer)
    {
        using var numbers = RandomParameters.NumbersFor(seed, $"{layer}.{LoraNames.A}");
        var empty = torch.empty([rank, input]);
        // kaiming_uniform_ with a = sqrt(5): a bound of sqrt(6 / (1 + 5) / in_features).
        return init == LoraInit.Gaussian ? empty.normal_(0, 1.0 / rank, numbers) : empty.uniform_(-1 / Math.Sqrt(input), 1 / Math.Sqrt(input), numbers);
    }

    private static Tensor NewB(LoraInit init, int rank, long output, long seed, string layer)
    {
        if (init != LoraInit.Random) return torch.zeros([output, rank]);
        using var numbers = RandomParameters.NumbersFor(seed, $"{layer}.{LoraNames.B}");
        return torch.empty([output, rank]).uniform_(-1 / Math.Sqrt(rank), 1 / Math.Sqrt(rank), numbers);
    }

    private static Tensor Copy(Tensor value) => value.detach().to(ScalarType.Float32, value.device, copy: true);

    private static Tensor Stored(Linear layer)
    {
        var dense = layer.Weight.Dense();
        return Copy(layer.Weight is DenseWeight { Layout: LinearLayout.InOut } ? dense.t() : dense).contiguous();
    }
}
