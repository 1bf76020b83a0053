using Understudy.Torch;

namespace Understudy.Models;

/// <summary>The packed matrices of a model, each made when it is first asked for. An adapter on a layer is in the layer's matrix, or beside it where the matrix is held in few bits.</summary>
internal sealed class PackedWeights(ScalarType type) : IDisposable
{
    private readonly Dictionary<string, PackedMatrix> matrices = [];

    /// <summary>What of a model's layers cannot be packed; null where all can.</summary>
    internal static string? Obstacle(IPretrainedModel model)
    {
        foreach (var layer in model.Linears)
        {
            if (layer.Weight is not (DenseWeight or Int8Weight or Nf4Weight)) return $"{layer.Name} is held in {layer.Weight.GetType().Name}";
            if (layer.Adapter is not (null or IAdapterLayer)) return $"{layer.Name} has an adapter of its own kind";
            // Its lengths are those of the changed rows, which few bits cannot hold.
            if (layer is { Adapter: LoraLinear { Change: null }, Weight: not DenseWeight }) return $"{layer.Name} has a DoRA adapter on weights in few bits";
        }

        return null;
    }

    /// <summary>The matrix of layers that stand side by side.</summary>
    internal PackedMatrix Of(ReadOnlySpan<Linear> layers)
    {
        if (layers.Length == 1) return Of(layers[0]);
        var name = NameOf(layers);
        if (matrices.TryGetValue(name, out var known)) return known;
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        var parts = layers.ToArray();
        var bias = parts.Any(layer => BiasOf(layer) is not null) ? torch.cat([.. parts.Select(layer => BiasOf(layer)?.to(ScalarType.Float32) ?? torch.zeros([layer.Weight.OutFeatures]))], 0) : null;
        var few = parts.Select(InFewBits).OfType<QuantizedMatrix>().ToList();
        var together = few.Count == parts.Length && few.All(part => part.Codes.dtype == few[0].Codes.dtype && part.BlockSize == few[0].BlockSize);
        return matrices[name] = together
            ? PackedMatrix.Pack(
                new QuantizedMatrix(torch.cat([.. few.Select(part => part.Codes)], 0), torch.cat([.. few.Select(part => part.plain_scales())], 0), few.Sum(part => part.Rows), few[0].Columns) { BlockSize = few[0].BlockSize },
                bias)
            : PackedMatrix.Pack(torch.cat([.. parts.Select(layer => Dense(layer).to(ScalarType.Float32))], 0), bias, type);
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
        return matrices[layer.Name] = InFewBits(layer) is { } few ? PackedMatrix.Pack(few, bias) : PackedMatrix.Pack(Dense(layer), bias, type);
    }

    /// <summary>What adapters add to layers that stand side by side and do not hold them in their matrix: Up (Down x).</summary>
    /// <returns>[all ranks, in_features] and [all out_features, all ranks]; null where they add nothing.</returns>
    internal (PackedMatrix Down, PackedMatrix Up)? Beside(ReadOnlySpan<Linear> layers)
    {
        var parts = layers.ToArray();
        if (!parts.Any(IsBeside)) return null;
        var (down, up) = ($"{NameOf(layers)}|A", $"{NameOf(layers)}|B");
        if (matrices.TryGetValue(down, out var known)) return (known, matrices[up]);
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        var changes = parts.Select(layer => IsBeside(layer) ? ((LoraLinear)layer.Adapter!).Change : null).ToArray();
        var ranks = changes.Sum(change => change?.A.size(0) ?? 0);
        var before = 0L;
        var blocks = new List<Tensor>();
        for (var i = 0; i < parts.Length; i++)
        {
            var (rows, rank) = (parts[i].Weight.OutFeatures, changes[i]?.A.size(0) ?? 0);
            List<Tensor> columns = [torch.zeros([rows, before])];
            if (changes[i] is { } change) columns.Add(change.B.detach().to(ScalarType.Float32) * change.Scaling);
            columns.Add(torch.zeros([rows, ranks - before - rank]));
            blocks.Add(torch.cat(columns, 1));
            before += rank;
        }

        matrices[down] = PackedMatrix.Pack(torch.cat([.. changes.OfType<(Tensor A, Tensor B, double Scaling)>().Select(change => change.A.detach().to(ScalarType.Float32))], 0), null, type);
        matrices[up] = PackedMatrix.Pack(torch.cat(blocks, 0), null, type);
        return (matrices[down], matrices[up]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var matrix in matrices.Values) matrix.Dispose();
        matrices.Clear();
    }

    private static string NameOf(ReadOnlySpan<Linear> layers)
    {
        var names = new string[layers.Length];
        for (var i = 0; i < names.Length; i++) names[i] = layers[i].Name;
        return string.Join('+', names);
    }

    private static Tensor? BiasOf(Linear layer) => (layer.Adapter as IAdapterLayer)?.MergedBias ?? layer.Bias;

    private static bool IsBeside(Linear layer) => layer is { Adapter: LoraLinear, Weight: not DenseWeight };

    // Panels take whole blocks of a row; other matrices become dense.
    private static QuantizedMatrix? InFewBits(Linear layer) => layer switch
    {
        { Adapter: not (null or LoraLinear) } => null,
        { Weight: Int8Weight narrow } => narrow.Matrix,
        { Weight: Nf4Weight narrow } when narrow.InFeatures % narrow.BlockSize == 0 => narrow.Matrix,
        _ => null,
    };

    private static Tensor Dense(Linear layer) => layer switch
    {
        { Adapter: IAdapterLayer adapter } when !IsBeside(layer) => adapter.MergedWeight(layer),
        // Not in the type that the weight had before: products take the numbers as they are.
        { Weight: Nf4Weight narrow } => narrow.Matrix.dense(ScalarType.Float32),
        { Weight: Int8Weight narrow } => narrow.Matrix.dense(ScalarType.Float32),
        _ => layer.Weight.Dense(),
    };
}
