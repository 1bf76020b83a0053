namespace Understudy.Generation;

/// <summary>Holds results back until those of the requests before them are there.</summary>
internal sealed class ResultOrder
{
    private readonly Queue<(long Id, int Rows)> expected = [];
    private readonly Dictionary<long, List<EngineResult>> held = [];

    /// <summary>Results that wait for others.</summary>
    internal int Held { get; private set; }

    /// <summary>Says that a request will have so many results; requests in their order.</summary>
    internal void Expect(long id, int rows) => expected.Enqueue((id, rows));

    /// <summary>Takes results, and gives those whose turn it is.</summary>
    internal IEnumerable<EngineResult> Ready(IEnumerable<EngineResult> results)
    {
        foreach (var result in results)
        {
            if (!held.TryGetValue(result.Request, out var own)) held[result.Request] = own = [];
            own.Add(result);
            Held++;
        }

        while (expected.TryPeek(out var next) && held.TryGetValue(next.Id, out var own) && own.Count == next.Rows)
        {
            expected.Dequeue();
            held.Remove(next.Id);
            Held -= own.Count;
            foreach (var result in own.OrderBy(result => (result as GenerationResult)?.Sample ?? 0)) yield return result;
        }
    }
}
