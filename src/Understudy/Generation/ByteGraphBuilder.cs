namespace Understudy.Generation;

/// <summary>Puts a <see cref="ByteGraph"/> together.</summary>
internal sealed class ByteGraphBuilder
{
    /// <summary>The node of an empty text.</summary>
    public const int Start = 0;

    private readonly List<Dictionary<byte, ByteEdge>> edges = [[]];
    private readonly HashSet<int> accepts = [];
    private readonly List<(int From, int To)> skips = [];

    /// <summary>A new node.</summary>
    public int Add()
    {
        edges.Add([]);
        return edges.Count - 1;
    }

    /// <summary>Leads from a node to another by a byte that leads nowhere else yet.</summary>
    public void Edge(int from, byte value, ByteEdge edge)
    {
        if (!edges[from].TryAdd(value, edge) && edges[from][value] != edge)
            throw new InvalidOperationException($"Node {from} leads to {edges[from][value]} and {edge} by the byte {value}.");
    }

    /// <summary>Leads from a node to another by each byte of a range.</summary>
    public void Edges(int from, int first, int last, ByteEdge edge)
    {
        for (var value = first; value <= last; value++) Edge(from, (byte)value, edge);
    }

    /// <summary>The node that a byte leads to, which is made where there is none.</summary>
    public int Next(int from, byte value)
    {
        if (edges[from].TryGetValue(value, out var edge)) return edge.To;
        var to = Add();
        Edge(from, value, new ByteEdge(to));
        return to;
    }

    /// <summary>The node that bytes lead to, made where there is none.</summary>
    public int Path(int from, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes) from = Next(from, value);
        return from;
    }

    /// <summary>What follows <paramref name="to"/> follows <paramref name="from"/> as well, once all edges are there.</summary>
    public void Skip(int from, int to) => skips.Add((from, to));

    /// <summary>The node after a space that may be left out.</summary>
    public int OptionalSpace(int from)
    {
        var after = Path(from, " "u8);
        Skip(from, after);
        return after;
    }

    /// <summary>Lets texts end at a node.</summary>
    public void Accept(int node) => accepts.Add(node);

    /// <summary>The graph.</summary>
    public ByteGraph Build()
    {
        foreach (var (from, to) in skips)
        {
            if (skips.Any(other => other.From == to)) throw new InvalidOperationException($"Node {to} is skipped to and skips itself.");
            foreach (var (value, edge) in edges[to]) Edge(from, value, edge);
            if (accepts.Contains(to)) accepts.Add(from);
        }

        return new ByteGraph(
            [.. edges.Select(node => node.Select(edge => (edge.Key, edge.Value)).ToArray())],
            [.. Enumerable.Range(0, edges.Count).Select(accepts.Contains)]);
    }
}
