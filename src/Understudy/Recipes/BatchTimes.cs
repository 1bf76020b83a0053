namespace Understudy.Recipes;

/// <summary>How long batches take, from a few that were measured: straight lines from one size to the next.</summary>
internal sealed class BatchTimes
{
    private readonly (double Size, double Seconds)[] points;

    /// <summary>From measured batches.</summary>
    /// <param name="measured">Sizes and seconds, at least one, in any order.</param>
    public BatchTimes(IEnumerable<(double Size, double Seconds)> measured)
    {
        points = [.. measured.GroupBy(point => point.Size).Select(group => (group.Key, group.Average(point => point.Seconds))).OrderBy(point => point.Key)];
        if (points.Length == 0) throw new ArgumentException("Expected at least one measured batch, found none.", nameof(measured));
    }

    /// <summary>The measured sizes with their seconds, by size.</summary>
    public IReadOnlyList<(double Size, double Seconds)> Points => points;

    /// <summary>Seconds of a batch; beyond the measured sizes the nearest line goes on, but never below 0.</summary>
    public double Seconds(double size)
    {
        // One size alone says nothing of what every batch takes beside its work.
        if (points.Length == 1) return points[0].Size > 0 ? points[0].Seconds * size / points[0].Size : points[0].Seconds;
        var right = Math.Clamp(Array.FindIndex(points, point => point.Size >= size), 1, points.Length - 1);
        if (size > points[^1].Size) right = points.Length - 1;
        var (from, to) = (points[right - 1], points[right]);
        return Math.Max(0, from.Seconds + ((to.Seconds - from.Seconds) * (size - from.Size) / (to.Size - from.Size)));
    }

    /// <summary>At most <paramref name="count"/> batches to measure: the smallest, the largest, and between them at equal shares of all batches.</summary>
    /// <param name="batches">At least one.</param>
    /// <param name="size">The size of a batch.</param>
    /// <param name="count">At least 1.</param>
    /// <returns>By size; batches of nearly the same size once.</returns>
    public static List<TBatch> ToMeasure<TBatch>(IEnumerable<TBatch> batches, Func<TBatch, double> size, int count = 3)
    {
        var ordered = batches.OrderBy(size).ToList();
        var chosen = new List<TBatch> { ordered[^1] };
        for (var i = count - 2; i >= 0; i--)
        {
            var next = ordered[(int)((long)(ordered.Count - 1) * i / Math.Max(1, count - 1))];
            if (size(next) < 0.85 * size(chosen[^1])) chosen.Add(next);
        }

        chosen.Reverse();
        return chosen;
    }
}
