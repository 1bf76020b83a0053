using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Numbers of every token, or of every selected one, at a place of a step.</summary>
/// <param name="Buffer">The buffer.</param>
/// <param name="Width">Numbers of a token.</param>
/// <param name="Type">Their type.</param>
/// <param name="Selected">Whether only selected tokens have them.</param>
internal readonly record struct StepValue(int Buffer, long Width, ScalarType Type, bool Selected = false);

/// <summary>A stream of rows that is normalised itself, as in post-norm blocks, and what products read of it.</summary>
/// <param name="Rows">float32.</param>
/// <param name="Factors">In the type of products; the same as <paramref name="Rows"/> in float32.</param>
internal readonly record struct StepStream(StepValue Rows, StepValue Factors);

/// <summary>Writes a model's operations into an <see cref="InferenceStep"/>: what a model calls to say what it computes.</summary>
/// <remarks>
/// Two kinds of rows: wide ones in float32, which the residual stream, heads and norms take, and factors in the type that products take (the same in float32).
/// What is made within a <see cref="Block"/> is gone after it, but for what was selected: its memory serves the next block.
/// </remarks>
internal sealed class StepBuilder(InferenceStep step, PackedWeights weights, PagedCache? cache, PagedCache? source, int positions)
{
    private readonly List<StepValue> free = [];
    private readonly Stack<List<StepValue>> blocks = [];

    /// <summary>Positions that tables have to hold.</summary>
    internal int Positions { get; } = positions;

    /// <summary>Begins a block, which ends when this is disposed.</summary>
    internal BlockEnd Block()
    {
        blocks.Push([]);
        return new BlockEnd(this);
    }

    /// <summary>Rows of a table: a token's embedding.</summary>
    internal StepValue Embed(Embedding table, double scale = 1)
    {
        var x = Rows(table.Weight.size(1), ScalarType.Float32);
        step.Embed(x.Buffer, table.Weight, StepLookup.Ids, 0, scale);
        return x;
    }

    /// <summary>Adds rows of a table to the stream.</summary>
    internal void AddEmbedding(StepValue x, Embedding table, StepLookup lookup, long offset = 0) => step.Embed(x.Buffer, table.Weight, lookup, offset, 1, add: true);

    /// <summary>What products read of the normalised stream.</summary>
    internal StepValue Norm(LayerNorm norm, StepValue x) => Normalized(norm.Weight, norm.Bias, norm.Eps, x, rootMeanSquare: false);

    /// <inheritdoc cref="Norm(LayerNorm, StepValue)"/>
    internal StepValue Norm(RmsNorm norm, StepValue x) => Normalized(norm.Weight, null, norm.Eps, x, rootMeanSquare: true);

    /// <summary>A stream that is normalised itself; products cannot read it before <see cref="NormInPlace"/>.</summary>
    internal StepStream Stream(StepValue x) => new(x, step.Type == ScalarType.Float32 ? x : Lasting(x.Width, step.Type, x.Selected));

    /// <summary>Normalises a stream itself, and makes what products read of it.</summary>
    internal void NormInPlace(LayerNorm norm, StepStream x) =>
        step.Normalize(x.Rows.Buffer, x.Rows.Buffer, x.Factors == x.Rows ? -1 : x.Factors.Buffer, norm.Weight, norm.Bias, norm.Eps, rootMeanSquare: false);

    /// <summary>A linear layer whose output is read as float32. Several layers of one input stand side by side.</summary>
    internal StepValue Linear(StepValue x, params ReadOnlySpan<Linear> layers) => Product(x, ScalarType.Float32, StepActivation.None, layers);

    /// <summary>A linear layer whose output other products read.</summary>
    internal StepValue Factors(StepValue x, Linear layer, StepActivation activation) => Product(x, step.Type, activation, layer);

    /// <summary>A linear layer and a function whose output norms read.</summary>
    internal StepValue Activated(StepValue x, Linear layer, StepActivation activation) => Product(x, ScalarType.Float32, activation, layer);

    /// <summary>Adds a layer's output to the stream.</summary>
    internal void Add(StepValue stream, StepValue x, Linear layer) => step.Linear(x.Buffer, stream.Buffer, weights.Of(layer), StepActivation.None, add: true, Beside(x, layer));

    /// <summary>activation(first half) x second half, for products.</summary>
    internal StepValue Gate(StepValue x, StepActivation activation)
    {
        var width = x.Width / 2;
        var result = Rows(width, step.Type, x.Selected);
        step.Gate(x.Buffer, result.Buffer, 0, width, width, activation);
        return result;
    }

    /// <summary>Heads into the cache, and attention over it.</summary>
    /// <param name="x">What a layer made of every token.</param>
    /// <param name="layout">Where the heads lie in it. Without queries nothing is attended to.</param>
    /// <param name="sees">What a token attends to.</param>
    /// <param name="rotary">How positions turn queries and keys; null for not.</param>
    /// <param name="queryNorm">A norm over each query; null for none.</param>
    /// <param name="keyNorm">A norm over each key; null for none.</param>
    /// <param name="window">Tokens a token sees, itself included; 0 for all.</param>
    /// <param name="scale">Factor on the scores; null for 1 / sqrt(dim).</param>
    /// <param name="bias">[heads, 2 x <see cref="Positions"/> + 1], added to the scores by distance; null for none.</param>
    /// <returns>[heads x dim] for products.</returns>
    internal StepValue Attend(StepValue x, in HeadLayout layout, StepSees sees, RotaryEmbedding? rotary = null, RmsNorm? queryNorm = null, RmsNorm? keyNorm = null, long window = 0, double? scale = null, Tensor? bias = null)
    {
        var store = sees == StepSees.Source || layout.OfSource != 0 ? source : cache;
        var width = layout.Heads * layout.Dim;
        var query = layout.QueryAt < 0 ? new StepValue(-1, 0, step.Type) : Rows(width, step.Type);
        var (cosine, sine) = rotary is null or { IsEmpty: true } ? (null, null) : rotary.Tables(Positions);
        step.Heads(x.Buffer, query.Buffer, layout, store, cosine, sine, queryNorm?.Weight, keyNorm?.Weight);
        if (layout.QueryAt < 0) return query;
        var mixed = Rows(width, step.Type);
        step.Attend(query.Buffer, mixed.Buffer, layout, store!, sees, scale ?? 1 / Math.Sqrt(layout.Dim), window, bias);
        return mixed;
    }

    /// <summary>The rows of the selected tokens.</summary>
    internal StepValue Select(StepValue x)
    {
        var result = Lasting(x.Width, x.Type, selected: true);
        step.Select(x.Buffer, result.Buffer);
        return result;
    }

    /// <summary>The selected tokens of a stream, as it is between two of its norms.</summary>
    internal StepStream Select(StepStream x) => Stream(Select(x.Rows));

    /// <summary>Makes the step's output of each selected token's row: the mean of its tokens, scaled to length 1.</summary>
    /// <param name="x">float32 rows of all tokens.</param>
    internal void OutputMean(StepValue x) => step.Mean(x.Buffer, -1, x.Width, unit: true);

    /// <summary>Makes the step's output of the selected rows.</summary>
    /// <param name="x">Rows that products read, of selected tokens.</param>
    /// <param name="layer">The output layer.</param>
    /// <param name="bias">[outputs], instead of the layer's; null for the layer's.</param>
    internal void Output(StepValue x, Linear layer, Tensor? bias = null) => step.Linear(x.Buffer, -1, weights.Of(layer, bias), beside: Beside(x, layer));

    private StepValue Normalized(Tensor weight, Tensor? bias, double eps, StepValue x, bool rootMeanSquare)
    {
        var factors = Rows(x.Width, step.Type, x.Selected);
        var wide = step.Type == ScalarType.Float32;
        step.Normalize(x.Buffer, wide ? factors.Buffer : -1, wide ? -1 : factors.Buffer, weight, bias, eps, rootMeanSquare);
        return factors;
    }

    private StepValue Product(StepValue x, ScalarType type, StepActivation activation, params ReadOnlySpan<Linear> layers)
    {
        var matrix = weights.Of(layers);
        var result = Rows(matrix.OutFeatures, type, x.Selected);
        step.Linear(x.Buffer, result.Buffer, matrix, activation, add: false, Beside(x, layers));
        return result;
    }

    // What adapters add to layers that they cannot be merged into.
    private int Beside(StepValue x, params ReadOnlySpan<Linear> layers)
    {
        if (weights.Beside(layers) is not { } change) return -1;
        var inner = Rows(change.Down.OutFeatures, step.Type, x.Selected);
        step.Linear(x.Buffer, inner.Buffer, change.Down);
        var result = Rows(change.Up.OutFeatures, ScalarType.Float32, x.Selected);
        step.Linear(inner.Buffer, result.Buffer, change.Up);
        return result.Buffer;
    }

    private StepValue Lasting(long width, ScalarType type, bool selected) => new(step.Buffer(width, type, selected), width, type, selected);

    private StepValue Rows(long width, ScalarType type, bool selected = false)
    {
        var found = free.FindIndex(rows => rows.Width == width && rows.Type == type && rows.Selected == selected);
        StepValue rows;
        if (found >= 0)
        {
            rows = free[found];
            free.RemoveAt(found);
        }
        else
        {
            rows = new StepValue(step.Buffer(width, type, selected), width, type, selected);
        }

        if (blocks.TryPeek(out var taken)) taken.Add(rows);
        return rows;
    }

    /// <summary>Ends a block.</summary>
    internal readonly struct BlockEnd(StepBuilder step) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => step.free.AddRange(step.blocks.Pop());
    }
}
