namespace Understudy.Generation;

/// <summary>Labels to be scored after prompts. Immutable.</summary>
public sealed class CandidateLabels
{
    // Numbers of the attention grow with the square of the nodes of a pass, though a branch never looks at another.
    private const int NodesPerPass = 192;

    private readonly bool lengthNormalize;
    private readonly double[]? contentFree;

    /// <summary>Labels.</summary>
    /// <param name="labels">The tokens of each label as they follow a prompt, at least one each.</param>
    /// <param name="lengthNormalize">Whether a label's log-probability is divided by its number of tokens.</param>
    /// <param name="contentFree">The logarithm of each label's probability after prompts without content, to be taken off; null for none.</param>
    /// <exception cref="ArgumentException">A label is empty, or two are the same.</exception>
    public CandidateLabels(IReadOnlyList<IReadOnlyList<int>> labels, bool lengthNormalize = false, IReadOnlyList<double>? contentFree = null)
        : this(new LabelTrie(labels, NodesPerPass), lengthNormalize, contentFree is null ? null : [.. contentFree])
    {
    }

    private CandidateLabels(LabelTrie trie, bool lengthNormalize, double[]? contentFree)
    {
        (Trie, this.lengthNormalize, this.contentFree) = (trie, lengthNormalize, contentFree);
        var following = trie.Children;
        Children = [.. Enumerable.Range(-1, trie.Edges.Count + 1).Select(node => following[node].ToArray())];
    }

    internal LabelTrie Trie { get; }

    /// <summary>The edges that follow each node, that of the prompt first.</summary>
    internal int[][] Children { get; }

    /// <summary>The same labels with other scores after prompts without content.</summary>
    internal CandidateLabels Calibrated(double[]? contentFree) => new(Trie, lengthNormalize, contentFree);

    /// <summary>The score of a prompt.</summary>
    /// <param name="prompt">The prompt's number.</param>
    /// <param name="tokenLogProbabilities">The log-probability of every edge of the tree.</param>
    internal LabelScore Score(int prompt, double[] tokenLogProbabilities) => new(prompt, Trie, tokenLogProbabilities, lengthNormalize, contentFree);

    /// <summary>Throws when a label holds a token that the model does not know.</summary>
    /// <param name="vocabulary">Tokens that the model knows.</param>
    /// <param name="parameter">What the caller calls the labels.</param>
    internal void Check(int vocabulary, string parameter = "labels")
    {
        if (Trie.MaxToken >= vocabulary || Trie.Edges.Any(edge => edge.Token < 0))
            throw new ArgumentException($"A label holds a token that the model does not know; it knows {vocabulary}. Does the tokenizer belong to the model?", parameter);
    }
}
