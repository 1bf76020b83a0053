namespace Understudy.Generation;

/// <summary>Where a text stands in a <see cref="ByteGraph"/>.</summary>
/// <param name="Node">The node.</param>
/// <param name="Left">Characters that the string that it stands in may still get; 0 where they are not counted.</param>
internal readonly record struct ByteState(int Node, int Left);

/// <summary>
/// A deterministic automaton over the bytes of texts, with one counter for the characters of a string. From every state that can be reached some bytes
/// lead to the end of a text. Immutable; made by <see cref="ByteGraphBuilder"/>.
/// </summary>
internal sealed class ByteGraph
{
    // A node with more edges gets a table, so that long walks through strings do not search.
    private const int MaxEdgesToSearch = 8;

    private readonly (byte Value, ByteEdge Edge)[][] edges;
    private readonly ByteEdge[]?[] tables;
    private readonly bool[] accepts;

    internal ByteGraph((byte Value, ByteEdge Edge)[][] edges, bool[] accepts)
    {
        (this.edges, this.accepts) = (edges, accepts);
        tables = [.. edges.Select(Table)];
        Bytes = edges.SelectMany(node => node.Select(edge => edge.Value)).ToHashSet();
    }

    /// <summary>The state of an empty text.</summary>
    public ByteState Start { get; } = new(ByteGraphBuilder.Start, 0);

    /// <summary>The bytes that occur in texts.</summary>
    public IReadOnlySet<byte> Bytes { get; }

    /// <summary>Whether a text may end here.</summary>
    public bool MayEnd(ByteState state) => accepts[state.Node];

    /// <summary>Whether a text must end here.</summary>
    public bool MustEnd(ByteState state) => accepts[state.Node] && edges[state.Node].Length == 0;

    /// <summary>For every node whether some of the bytes lead from it to the end of a text without another character of a string.</summary>
    public bool[] Ending(IReadOnlySet<byte> bytes)
    {
        var before = Enumerable.Range(0, edges.Length)
            .SelectMany(from => edges[from].Where(edge => bytes.Contains(edge.Value) && edge.Edge.Kind != ByteEdgeKind.Counts).Select(edge => (From: from, edge.Edge.To)))
            .ToLookup(edge => edge.To, edge => edge.From);
        bool[] ending = [.. accepts];
        var open = new Stack<int>(Enumerable.Range(0, edges.Length).Where(node => ending[node]));
        while (open.TryPop(out var node))
        {
            foreach (var from in before[node].Where(from => !ending[from]))
            {
                ending[from] = true;
                open.Push(from);
            }
        }

        return ending;
    }

    /// <summary>Goes on by a byte; false when it cannot follow.</summary>
    public bool TryStep(ByteState state, byte value, out ByteState next)
    {
        var edge = Find(state.Node, value);
        var allowed = edge.Exists && (edge.Kind != ByteEdgeKind.Counts || state.Left > 0);
        next = edge.Kind switch
        {
            ByteEdgeKind.Counts => new ByteState(edge.To, state.Left - 1),
            ByteEdgeKind.Sets => new ByteState(edge.To, edge.Left),
            _ => new ByteState(edge.To, state.Left),
        };
        return allowed;
    }

    private ByteEdge Find(int node, byte value)
    {
        if (tables[node] is { } table) return table[value];
        foreach (var (own, edge) in edges[node])
        {
            if (own == value) return edge;
        }

        return default;
    }

    private static ByteEdge[]? Table((byte Value, ByteEdge Edge)[] edges)
    {
        if (edges.Length <= MaxEdgesToSearch) return null;
        var table = new ByteEdge[256];
        foreach (var (value, edge) in edges) table[value] = edge;
        return table;
    }
}

/// <summary>What an edge does to the characters left.</summary>
internal enum ByteEdgeKind : byte
{
    /// <summary>Nothing.</summary>
    Plain,

    /// <summary>A character begins: there must be one left, and there is one fewer then.</summary>
    Counts,

    /// <summary>A string begins or ends: its own number of characters is left.</summary>
    Sets,
}

/// <summary>A way from one node to another; the default value is none.</summary>
/// <param name="To">The node that it leads to, never the start.</param>
/// <param name="Kind">What it does to the characters left.</param>
/// <param name="Left">The characters left after an edge that sets them.</param>
internal readonly record struct ByteEdge(int To, ByteEdgeKind Kind = ByteEdgeKind.Plain, int Left = 0)
{
    /// <summary>Whether there is one: none leads back to the start.</summary>
    public bool Exists => To != ByteGraphBuilder.Start;
}
