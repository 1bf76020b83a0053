using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Keys and values of the tokens a causal model has seen, allocated once for a whole batch.</summary>
/// <remarks>Not thread-safe. Dispose it after the generation; its tensors belong to no dispose scope.</remarks>
public sealed class KeyValueCache : IDisposable
{
    private readonly Tensor?[] keys;
    private readonly Tensor?[] values;
    private readonly int capacity;

    /// <summary>An empty cache; memory is taken at the first token, in the type that the model computes in.</summary>
    /// <param name="layers">Number of blocks.</param>
    /// <param name="batch">Rows, at least 1.</param>
    /// <param name="capacity">The most tokens of a row, at least 1.</param>
    public KeyValueCache(int layers, int batch, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        keys = new Tensor?[layers];
        values = new Tensor?[layers];
        Batch = batch;
        this.capacity = capacity;
    }

    /// <summary>Rows.</summary>
    public int Batch { get; private set; }

    /// <summary>Tokens seen so far, padding included.</summary>
    public int Length { get; private set; }

    /// <summary>The most tokens it can hold.</summary>
    public int Capacity => capacity;

    /// <summary>Adds the keys and values of new tokens of one block, and gives those of all tokens.</summary>
    /// <param name="layer">Number of the block.</param>
    /// <param name="key">[batch, heads, new, head_dim].</param>
    /// <param name="value">[batch, heads, new, head_dim].</param>
    /// <returns>Views [batch, heads, length + new, head_dim].</returns>
    /// <exception cref="InvalidOperationException">More tokens than there is room for.</exception>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor key, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(key);
        var sizes = key.shape;
        var added = (int)sizes[2];
        if (Length + added > capacity)
        {
            throw new InvalidOperationException($"The cache has room for {capacity} tokens, {Length} are in it, and {added} more were to be added. Allocate it for the prompt and all new tokens.");
        }

        var allKeys = keys[layer] ??= DisposeScope.Detach(torch.empty([Batch, sizes[1], capacity, sizes[3]], key.dtype, key.device));
        var allValues = values[layer] ??= DisposeScope.Detach(torch.empty([Batch, sizes[1], capacity, sizes[3]], value.dtype, value.device));
        allKeys.narrow(2, Length, added).copy_(key);
        allValues.narrow(2, Length, added).copy_(value);
        return (allKeys.narrow(2, 0, Length + added), allValues.narrow(2, 0, Length + added));
    }

    /// <summary>Says that a forward pass over so many new tokens is complete.</summary>
    public void Advance(int tokens) => Length += tokens;

    /// <summary>Forgets the newest tokens, for scoring several continuations of one prompt.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    /// <summary>A cache whose row i is this one's row <paramref name="rows"/>[i]; what this one holds is untouched.</summary>
    /// <param name="rows">Numbers of rows, repeats allowed.</param>
    /// <param name="capacity">Room for tokens of the new cache, at least <see cref="Length"/>.</param>
    public KeyValueCache Select(ReadOnlySpan<long> rows, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, Length);
        var copy = new KeyValueCache(keys.Length, rows.Length, capacity) { Length = Length };
        using var scope = torch.NewDisposeScope();
        Tensor? index = null;
        for (var layer = 0; layer < keys.Length; layer++)
        {
            if (keys[layer] is { } key && values[layer] is { } value)
            {
                index ??= torch.tensor(rows).to(key.device);
                copy.keys[layer] = Selected(key, index, capacity);
                copy.values[layer] = Selected(value, index, capacity);
            }
        }

        return copy;
    }

    /// <summary>Keeps only some rows, or reorders them: finished rows leave, beams go on from others. Nothing is copied when the order stays.</summary>
    /// <param name="rows">Numbers of the rows that stay, in their new order, repeats allowed.</param>
    public void Keep(ReadOnlySpan<long> rows)
    {
        if (KeepsOrder(rows)) return;
        using var selected = Select(rows, capacity);
        for (var layer = 0; layer < keys.Length; layer++)
        {
            (keys[layer], selected.keys[layer]) = (selected.keys[layer], keys[layer]);
            (values[layer], selected.values[layer]) = (selected.values[layer], values[layer]);
        }

        Batch = rows.Length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (var layer = 0; layer < keys.Length; layer++)
        {
            keys[layer]?.Dispose();
            values[layer]?.Dispose();
            keys[layer] = values[layer] = null;
        }
    }

    /// <summary>Whether these are all rows in the order they have.</summary>
    internal bool KeepsOrder(ReadOnlySpan<long> rows)
    {
        if (rows.Length != Batch) return false;
        for (var i = 0; i < rows.Length; i++)
        {
            if (rows[i] != i) return false;
        }

        return true;
    }

    private Tensor Selected(Tensor all, Tensor index, int room)
    {
        var sizes = all.shape;
        var result = torch.empty([index.numel(), sizes[1], room, sizes[3]], all.dtype, all.device);
        result.narrow(2, 0, Length).copy_(all.narrow(2, 0, Length).index_select(0, index));
        return DisposeScope.Detach(result);
    }
}
