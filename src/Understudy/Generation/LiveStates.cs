namespace Understudy.Generation;

/// <summary>
/// Knows from which states tokens lead to the end of a text. Where every byte is a token that is all of them; otherwise it is searched for and kept. Safe for
/// use from several threads.
/// </summary>
internal sealed class LiveStates(TokenWalk walk)
{
    // Of a string of limited length there are some thirty states for every character.
    private const int MaxKnown = 1_000_000;

    private readonly Dictionary<ByteState, bool> known = [];

    /// <summary>Whether tokens lead from here to the end of a text.</summary>
    public bool Contains(ByteState state)
    {
        if (walk.Ends(state)) return true;
        lock (known)
        {
            if (known.TryGetValue(state, out var isLive)) return isLive;
            if (known.Count > MaxKnown) known.Clear();
            return Search(state);
        }
    }

    /// <summary>Whether a text can be written from its beginning.</summary>
    public bool CanBegin()
    {
        // Not even where every byte is a token: a first token may stand for other bytes than it does later.
        var live = false;
        walk.Visit(walk.Graph.Start, isFirst: true, (tokens, state) => live = live || (walk.AnyText(tokens) && Contains(state)));
        return live;
    }

    /// <summary>Looks breadth first for an end or for a state that is known to lead to one; states that lead to neither are dead, all of them.</summary>
    private bool Search(ByteState start)
    {
        var cameFrom = new Dictionary<ByteState, ByteState> { [start] = start };
        var open = new Queue<ByteState>([start]);
        while (open.TryDequeue(out var state))
        {
            if (walk.Ends(state) || known.GetValueOrDefault(state))
            {
                for (; state != start; state = cameFrom[state]) known[state] = true;
                known[start] = true;
                return true;
            }

            walk.Visit(state, isFirst: false, (tokens, next) =>
            {
                if (!cameFrom.ContainsKey(next) && !IsDead(next) && walk.AnyText(tokens))
                {
                    cameFrom.Add(next, state);
                    open.Enqueue(next);
                }
            });
        }

        foreach (var state in cameFrom.Keys) known.TryAdd(state, false);
        return false;
    }

    private bool IsDead(ByteState state) => known.TryGetValue(state, out var isLive) && !isLive;
}
