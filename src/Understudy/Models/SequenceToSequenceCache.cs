using Understudy.Torch;

namespace Understudy.Models;

/// <summary>What a decoder keeps between steps: keys and values of the target so far, and those of the source, computed once.</summary>
/// <remarks>Not thread-safe. Dispose it after the generation; its tensors belong to no dispose scope.</remarks>
public sealed class SequenceToSequenceCache : IDisposable
{
    private readonly (Tensor Keys, Tensor Values)?[] source;

    /// <summary>An empty cache.</summary>
    /// <param name="layers">Number of decoder blocks.</param>
    /// <param name="batch">Rows, at least 1.</param>
    /// <param name="capacity">The most tokens of a target, at least 1.</param>
    public SequenceToSequenceCache(int layers, int batch, int capacity)
    {
        Target = new KeyValueCache(layers, batch, capacity);
        source = new (Tensor, Tensor)?[layers];
    }

    /// <summary>Keys and values of the target's tokens.</summary>
    public KeyValueCache Target { get; }

    /// <summary>Keys and values of the source for one decoder block, computed at the first call.</summary>
    /// <param name="layer">Number of the block.</param>
    /// <param name="compute">Keys and values, each [batch, heads, source, head_dim].</param>
    public (Tensor Keys, Tensor Values) Source(int layer, Func<(Tensor Keys, Tensor Values)> compute)
    {
        ArgumentNullException.ThrowIfNull(compute);
        if (source[layer] is { } known) return known;
        using var scope = torch.NewDisposeScope();
        var (keys, values) = compute();
        (Tensor Keys, Tensor Values) kept = (DisposeScope.Detach(keys.contiguous()), DisposeScope.Detach(values.contiguous()));
        source[layer] = kept;
        return kept;
    }

    /// <summary>Keeps only some rows, or reorders them. Nothing is copied when the order stays.</summary>
    /// <param name="rows">Numbers of the rows that stay, in their new order, repeats allowed.</param>
    /// <param name="sameSources">Whether every row goes on from a row with the same source, as the beams of one text do: then only the target is moved.</param>
    public void Keep(ReadOnlySpan<long> rows, bool sameSources = false)
    {
        var sourcesStay = (sameSources && rows.Length == Target.Batch) || Target.KeepsOrder(rows);
        Target.Keep(rows);
        if (sourcesStay) return;
        using var scope = torch.NewDisposeScope();
        for (var layer = 0; layer < source.Length; layer++)
        {
            if (source[layer] is not { } old) continue;
            var index = torch.tensor(rows).to(old.Keys.device);
            source[layer] = (DisposeScope.Detach(old.Keys.index_select(0, index)), DisposeScope.Detach(old.Values.index_select(0, index)));
            old.Keys.Dispose();
            old.Values.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Target.Dispose();
        for (var layer = 0; layer < source.Length; layer++)
        {
            source[layer]?.Keys.Dispose();
            source[layer]?.Values.Dispose();
            source[layer] = null;
        }
    }
}
