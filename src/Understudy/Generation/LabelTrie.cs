namespace Understudy.Generation;

/// <summary>
/// Candidate labels as a tree of tokens: what labels begin with in common is one path, computed once. A token has to be computed only when another
/// follows it, so the leaves cost nothing.
/// </summary>
internal sealed class LabelTrie
{
    private readonly List<Edge> edges = [];
    private readonly int[][] paths;
    private readonly int nodesPerPass;

    /// <summary>A tree of the labels' tokens.</summary>
    /// <param name="labels">The tokens of each.</param>
    /// <param name="nodesPerPass">Tokens that are computed together; a branch that is longer is not split.</param>
    /// <exception cref="ArgumentException">A label has no tokens, or two have the same.</exception>
    public LabelTrie(IReadOnlyList<IReadOnlyList<int>> labels, int nodesPerPass)
    {
        this.nodesPerPass = nodesPerPass;
        if (labels.Count == 0) throw new ArgumentException("Expected at least one label, found none.", nameof(labels));
        paths = new int[labels.Count][];
        var ends = new Dictionary<int, int>();
        var children = new Dictionary<(int Parent, int Token), int>();
        for (var label = 0; label < labels.Count; label++)
        {
            if (labels[label].Count == 0) throw new ArgumentException($"Label {label} has no tokens. Give it a text.", nameof(labels));
            var path = new int[labels[label].Count];
            var parent = -1;
            for (var i = 0; i < path.Length; i++)
            {
                if (!children.TryGetValue((parent, labels[label][i]), out var edge))
                {
                    edge = edges.Count;
                    children.Add((parent, labels[label][i]), edge);
                    edges.Add(new Edge(labels[label][i], parent, i));
                }

                path[i] = parent = edge;
            }

            if (!ends.TryAdd(parent, label))
                throw new ArgumentException($"Labels {ends[parent]} and {label} have the same tokens, so the model cannot tell them apart. Give one of them another description.", nameof(labels));
            paths[label] = path;
        }

        Passes = [.. Plan()];
        MostNodes = Passes.Count == 0 ? 0 : Passes.Max(pass => pass.Nodes.Length);
        MaxDepth = paths.Max(path => path.Length);
        MaxToken = edges.Max(edge => edge.Token);
    }

    /// <summary>A token of the tree.</summary>
    /// <param name="Token">Its id.</param>
    /// <param name="Parent">The token before it; -1 when it begins a label.</param>
    /// <param name="Depth">How many tokens of the label come before it.</param>
    internal readonly record struct Edge(int Token, int Parent, int Depth);

    /// <summary>Tokens that are computed together.</summary>
    /// <param name="Nodes">Numbers of the tokens, parents first.</param>
    /// <param name="Parents">For each, the place of its parent in this list; -1 when it begins a label.</param>
    internal sealed record Pass(int[] Nodes, int[] Parents)
    {
        /// <summary>Where every label is one token, there is nothing to compute behind the prompt.</summary>
        internal static Pass Empty { get; } = new([], []);
    }

    /// <summary>All tokens of the tree.</summary>
    public IReadOnlyList<Edge> Edges => edges;

    /// <summary>The tokens of every label.</summary>
    public IReadOnlyList<int[]> Paths => paths;

    /// <summary>The tokens that have to be computed, in passes that do not depend on each other.</summary>
    public IReadOnlyList<Pass> Passes { get; }

    /// <summary>Tokens of the largest pass.</summary>
    public int MostNodes { get; }

    /// <summary>Tokens of the longest label.</summary>
    public int MaxDepth { get; }

    /// <summary>The largest token id.</summary>
    public int MaxToken { get; }

    /// <summary>What follows each token; under -1, what begins the labels.</summary>
    public ILookup<int, int> Children => Enumerable.Range(0, edges.Count).ToLookup(edge => edges[edge].Parent);

    private IEnumerable<Pass> Plan()
    {
        var children = Children;
        var nodes = new List<int>();
        var parents = new List<int>();
        foreach (var first in children[-1])
        {
            var begin = nodes.Count;
            Walk(first, -1);
            if (begin == 0 || nodes.Count <= nodesPerPass) continue;

            // This branch does not fit any more: it opens the next pass.
            yield return new Pass([.. nodes.Take(begin)], [.. parents.Take(begin)]);
            (nodes, parents) = ([.. nodes.Skip(begin)], [.. parents.Skip(begin).Select(parent => parent < 0 ? -1 : parent - begin)]);
        }

        if (nodes.Count > 0) yield return new Pass([.. nodes], [.. parents]);

        void Walk(int start, int startParent)
        {
            // A stack of its own: the depth of a label is the user's.
            var open = new Stack<(int Edge, int Parent)>([(start, startParent)]);
            while (open.TryPop(out var next))
            {
                if (!children[next.Edge].Any()) continue;
                var place = nodes.Count;
                nodes.Add(next.Edge);
                parents.Add(next.Parent);
                foreach (var child in children[next.Edge]) open.Push((child, place));
            }
        }
    }
}
