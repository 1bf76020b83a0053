using Understudy.Torch;

namespace Understudy.Models;

/// <summary>The packed matrices of a model, each made when it is first asked for. An adapter on a layer is in the layer's matrix.</summary>
internal sealed class PackedWeights(ScalarType type) : IDisposable
{
    private readonly Dictionary<string, PackedMatrix> matrices = [];

    /// <summary>What of a model's layers cannot be packed; null where all can.</summary>
    internal static string? Obstacle(IPretrainedModel model)
    {
        foreach (var layer in model.Linears)
        {
            if (layer.Weight is not (DenseWeight or Int8Weight)) return $"{layer.Name} is held in {layer.Weight.GetType().Name}";
            if (layer.Adapter is not (null or IAdapterLayer)) return $"{layer.Name} has an adapter of its own kind";
            // Merged, it would not be in eight bits any more.
            if (layer is { Adapter: not null, Weight: not DenseWeight }) return $"{layer.Name} has an adapter beside eight-bit weights";
        }

        return null;
    }

    /// <summary>The matrix of layers that stand side by side.</summary>
    internal PackedMatrix Of(ReadOnlySpan<Linear> layers)
    {
        if (layers.Length == 1) return Of(layers[0]);
        var names = new string[layers.Length];
        for (var i = 0; i < names.Length; i++) names[i] = layers[i].Name;
        var name = string.Join('+', names);
        if (matrices.TryGetValue(name, out var known)) return known;
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        var parts = new List<Linear>();
        foreach (var layer in layers) parts.Add(layer);
        var bias = parts.Any(layer => BiasOf(layer) is not null) ? torch.cat([.. parts.Select(layer => BiasOf(layer)?.to(ScalarType.Float32) ?? torch.zeros([layer.Weight.OutFeatures]))], 0) : null;
        PackedMatrix packed;
        if (parts.All(layer => layer.Weight is Int8Weight))
        {
            var quantized = parts.Select(layer => ((Int8Weight)layer.Weight).Matrix).ToList();
            packed = PackedMatrix.Pack(
                new QuantizedMatrix(torch.cat([.. quantized.Select(part => part.Codes)], 0), torch.cat([.. quantized.Select(part => part.Scales)], 0), quantized.Sum(part => part.Rows), quantized[0].Columns), bias);
        }
        else
        {
            packed = PackedMatrix.Pack(torch.cat([.. parts.Select(layer => Dense(layer).to(ScalarType.Float32))], 0), bias, type);
        }

        return matrices[name] = packed;
    }

    /// <summary>The matrix of a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="bias">[out_features], instead of the layer's; null for the layer's.</param>
    internal PackedMatrix Of(Linear layer, Tensor? bias = null)
    {
        if (matrices.TryGetValue(layer.Name, out var known)) return known;
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        bias ??= BiasOf(layer);
        return matrices[layer.Name] = layer.Weight is Int8Weight narrow ? PackedMatrix.Pack(narrow.Matrix, bias) : PackedMatrix.Pack(Dense(layer), bias, type);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var matrix in matrices.Values) matrix.Dispose();
        matrices.Clear();
    }

    private static Tensor? BiasOf(Linear layer) => (layer.Adapter as IAdapterLayer)?.MergedBias ?? layer.Bias;

    private static Tensor Dense(Linear layer) => layer.Adapter is IAdapterLayer adapter ? adapter.MergedWeight(layer) : layer.Weight.Dense();
}
