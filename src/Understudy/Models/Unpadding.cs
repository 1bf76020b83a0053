using Understudy.Torch;

namespace Understudy.Models;

/// <summary>The real tokens of a padded batch, one row after the other, so that nothing is computed for padding (Zeng et al., "Boosting Distributed Training Performance of the Unpadded BERT Model", arXiv 2208.08124).</summary>
internal sealed class Unpadding
{
    // Below a sixteenth of padding, moving the tokens together and apart again costs what it saves.
    private const int LeastShare = 16;

    // Products are made for a number of rows; rounded up, batches of different lengths share them.
    private const int Step = 16;

    private readonly long rows;
    private readonly long columns;
    private readonly Tensor places;   // [packed] int64: where a packed token stands in the padded batch
    private readonly long real;

    private Unpadding(long rows, long columns, long[] places, long real, long[] starts)
    {
        (this.rows, this.columns, this.real) = (rows, columns, real);
        this.places = torch.tensor(places);
        Starts = torch.tensor(starts);
    }

    /// <summary>[rows + 1 or 2] int64: where each row's tokens begin. What fills the last places is a row of its own, which nobody reads.</summary>
    internal Tensor Starts { get; }

    /// <summary>How a batch is packed; null where it is not worth it, or not possible: no mask, not on the CPU, hardly any padding.</summary>
    /// <param name="attentionMask">[batch, tokens] int64, 1 = a real token.</param>
    /// <param name="isForced">Whether it is done however little there is to save.</param>
    /// <remarks>Its tensors belong to the caller's dispose scope.</remarks>
    internal static Unpadding? Of(Tensor? attentionMask, bool isForced = false)
    {
        if (attentionMask is not { ndim: 2, dtype: ScalarType.Int64 } || attentionMask.device.type != DeviceType.CPU) return null;
        var (rows, columns) = (attentionMask.size(0), attentionMask.size(1));
        var mask = attentionMask.contiguous().ToArray<long>();
        var places = new List<long>(mask.Length);
        var starts = new List<long> { 0 };
        for (var row = 0L; row < rows; row++)
        {
            for (var at = row * columns; at < (row + 1) * columns; at++)
            {
                if (mask[at] != 0) places.Add(at);
            }

            starts.Add(places.Count);
        }

        var real = places.Count;
        if (real == 0 || (!isForced && (mask.Length - real) * LeastShare < mask.Length)) return null;
        if (real % Step != 0)
        {
            places.AddRange(Enumerable.Repeat(places[0], Step - (real % Step)));
            starts.Add(places.Count);
        }

        return new Unpadding(rows, columns, [.. places], real, [.. starts]);
    }

    /// <summary>Where the rows of both begin, the same number of rows for both: what fills the places of one has no tokens in the other.</summary>
    internal static (Tensor First, Tensor Second) Aligned(Unpadding first, Unpadding second)
    {
        var (a, b) = (first.Starts, second.Starts);
        Tensor WithEmptyRow(Tensor starts) => torch.cat([starts, starts.narrow(0, starts.size(0) - 1, 1)], 0);
        return a.size(0) < b.size(0) ? (WithEmptyRow(a), b) : b.size(0) < a.size(0) ? (a, WithEmptyRow(b)) : (a, b);
    }

    /// <summary>[batch or 1, tokens] of numbers per token to [1, packed].</summary>
    internal Tensor Pack(Tensor perToken)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(perToken.expand(rows, columns).reshape(-1).index_select(0, places).unsqueeze(0));
    }

    /// <summary>[batch, tokens, hidden] to [1, packed, hidden].</summary>
    internal Tensor PackHidden(Tensor hidden)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(hidden.reshape(rows * columns, hidden.size(2)).index_select(0, places).unsqueeze(0));
    }

    /// <summary>[1, packed, hidden] to [batch, tokens, hidden], zeros in the padding.</summary>
    internal Tensor Unpack(Tensor packed)
    {
        using var scope = torch.NewDisposeScope();
        var width = packed.size(2);
        var all = torch.zeros([rows * columns, width], packed.dtype, packed.device);
        var padded = all.index_copy(0, places.narrow(0, 0, real), packed.select(0, 0).narrow(0, 0, real));
        return scope.MoveToOuter(padded.view(rows, columns, width));
    }
}
