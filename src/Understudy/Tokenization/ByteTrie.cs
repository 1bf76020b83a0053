namespace Understudy.Tokenization;

/// <summary>
/// Tokens by their bytes, as a tree laid out in depth-first order: a walk goes from node to node by adding one, and leaves a branch out by going to
/// <see cref="After"/>. Immutable.
/// </summary>
internal sealed class ByteTrie
{
    private readonly int[] tokens;
    private readonly byte[] values;
    private readonly int[] depths;
    private readonly int[] after;
    private readonly int[] begins;

    /// <param name="bytesOfToken">The bytes of every token by id; null for what is no text.</param>
    public ByteTrie(IReadOnlyList<byte[]?> bytesOfToken)
    {
        tokens = [.. Enumerable.Range(0, bytesOfToken.Count).Where(id => bytesOfToken[id] is not null)];
        Array.Sort(tokens, (one, other) =>
            bytesOfToken[one].AsSpan().SequenceCompareTo(bytesOfToken[other].AsSpan()) is not 0 and var order ? order : one.CompareTo(other));
        var nodes = new List<(byte Value, int Depth, int Begin)>();
        var ends = new List<int>();
        var open = new Stack<int>();
        ReadOnlySpan<byte> path = [];
        for (var i = 0; i < tokens.Length; i++)
        {
            var bytes = bytesOfToken[tokens[i]]!;
            Close(path.CommonPrefixLength(bytes));
            for (var depth = open.Count; depth < bytes.Length; depth++)
            {
                open.Push(nodes.Count);
                nodes.Add((bytes[depth], depth + 1, i));
                ends.Add(0);
            }

            path = bytes;
        }

        Close(0);
        // The tokens of a node lie between its beginning and that of the next one: in sorted order a token comes before those that it begins.
        begins = [.. nodes.Select(node => node.Begin), tokens.Length];
        (values, depths, after) = ([.. nodes.Select(node => node.Value)], [.. nodes.Select(node => node.Depth)], [.. ends]);
        MaxDepth = depths.Length == 0 ? 0 : depths.Max();

        void Close(int depth)
        {
            while (open.Count > depth) ends[open.Pop()] = nodes.Count;
        }
    }

    /// <summary>How many nodes there are, without the root.</summary>
    public int Count => values.Length;

    /// <summary>The bytes of the longest token.</summary>
    public int MaxDepth { get; }

    /// <summary>The tokens without bytes.</summary>
    public ReadOnlySpan<int> Empty => tokens.AsSpan(0, begins[0]);

    /// <summary>The byte on the way to a node.</summary>
    public byte Value(int node) => values[node];

    /// <summary>How many bytes lead to a node, at least 1.</summary>
    public int Depth(int node) => depths[node];

    /// <summary>The first node that does not lie under this one.</summary>
    public int After(int node) => after[node];

    /// <summary>The tokens that end with a node, by id.</summary>
    public ReadOnlySpan<int> Tokens(int node) => tokens.AsSpan(begins[node]..begins[node + 1]);
}
