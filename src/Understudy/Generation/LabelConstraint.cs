namespace Understudy.Generation;

/// <summary>
/// A text that is one of a set of labels, each written with tokens of its own: what <see cref="LabelScorer"/> scores. Immutable and safe for use from
/// several threads. <see cref="LabelTextConstraint"/> leaves the choice of tokens to the model.
/// </summary>
public sealed class LabelConstraint : ITokenConstraint
{
    private readonly Node root = new();
    private readonly HashSet<int> ends;

    /// <summary>A constraint for labels.</summary>
    /// <param name="labels">The tokens of each label as they follow a prompt, at least one each.</param>
    /// <param name="endOfTextTokenIds">Tokens that end a text, allowed where a label does. Needed where a label begins another one, unless the labels' tokens include their end.</param>
    /// <exception cref="ArgumentException">There is no label, one has no tokens or unknown ones, two have the same, or one begins another and there is no end to tell them apart.</exception>
    public LabelConstraint(IReadOnlyList<IReadOnlyList<int>> labels, IEnumerable<int>? endOfTextTokenIds = null)
    {
        if (labels.Count == 0) throw new ArgumentException("Expected at least one label, found none.", nameof(labels));
        ends = [.. endOfTextTokenIds ?? []];
        if (ends.Concat(labels.SelectMany(tokens => tokens)).Any(token => token < 0))
            throw new ArgumentException("Expected token ids of at least 0, found a negative one.", nameof(labels));
        var nodes = new List<Node> { root };
        for (var label = 0; label < labels.Count; label++)
        {
            if (labels[label].Count == 0) throw new ArgumentException($"Label {label} has no tokens. Give it a text.", nameof(labels));
            var node = root;
            foreach (var token in labels[label])
            {
                if (!node.Children.TryGetValue(token, out var child))
                {
                    node.Children.Add(token, child = new Node());
                    nodes.Add(child);
                }

                node = child;
            }

            if (node.Label is { } other) throw new ArgumentException($"Labels {other} and {label} have the same tokens. Give one of them another text.", nameof(labels));
            node.Label = label;
        }

        if (ends.Count == 0 && nodes.Find(node => node.Label is not null && node.Children.Count > 0) is { } inner)
        {
            throw new ArgumentException(
                $"Label {inner.Label} begins another label, and there is no token to end it with. Give end-of-text tokens, or end every label with one.", nameof(labels));
        }

        foreach (var node in nodes) node.Allowed = new TokenMask(node.Label is null ? node.Children.Keys : node.Children.Keys.Concat(ends));
    }

    /// <inheritdoc/>
    public TokenConstraintState Begin() => new State(ends, root);

    /// <summary>What labels have in common so far.</summary>
    private sealed class Node
    {
        /// <summary>What stands after an end.</summary>
        public static Node AfterEnd { get; } = new() { Label = 0, Allowed = new TokenMask([]) };

        public Dictionary<int, Node> Children { get; } = [];

        /// <summary>The label that ends here; null when none does.</summary>
        public int? Label { get; set; }

        public TokenMask Allowed { get; set; } = null!;
    }

    private sealed class State(HashSet<int> ends, Node node) : TokenConstraintState
    {
        private Node node = node;

        public override bool IsComplete => node.Label is not null && node.Children.Count == 0;

        public override void Mask(Span<float> logits) => node.Allowed.Apply(logits);

        public override void Append(int token)
        {
            if (node.Children.TryGetValue(token, out var child)) node = child;
            else if (node.Label is not null && node != Node.AfterEnd && ends.Contains(token)) node = Node.AfterEnd;
            else throw CannotFollow(token);
        }

        public override TokenConstraintState Clone() => new State(ends, node);
    }
}
