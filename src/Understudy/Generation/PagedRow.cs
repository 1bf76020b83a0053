using Understudy.Models;

namespace Understudy.Generation;

/// <summary>A row at work and its pages.</summary>
internal sealed class PagedRow(EngineRow row)
{
    internal EngineRow Row { get; } = row;

    internal List<int> Pages { get; } = [];

    internal List<int> SourcePages { get; } = [];

    /// <summary>Whether the source's keys and values are in its pages.</summary>
    internal bool SourceIsKnown { get; set; }

    /// <summary>Tokens whose keys and values are in the pages.</summary>
    internal int Computed { get; set; }

    /// <summary>Tokens of this step, without those of a tree.</summary>
    internal int Scheduled { get; set; }

    /// <summary>Its first line of the logits; -1 for none.</summary>
    internal int Line { get; set; } = -1;

    /// <summary>Passes over the labels' tree that were computed.</summary>
    internal int PassesDone { get; set; }

    internal bool IsDone { get; set; }

    /// <summary>The most tokens of the labels' tree that are behind the row at once.</summary>
    internal int TreeTokens => Row.Request is ScoringRequest scoring ? scoring.Labels.Trie.MostNodes : 0;

    /// <summary>The labels' nodes that come next; null where nothing is scored.</summary>
    internal LabelTrie.Pass? NextPass() => Row.Request is not ScoringRequest scoring ? null
        : PassesDone < scoring.Labels.Trie.Passes.Count ? scoring.Labels.Trie.Passes[PassesDone] : LabelTrie.Pass.Empty;

    /// <summary>The nodes of a pass behind the last tokens of the prompt, as one tree.</summary>
    /// <param name="part">The tokens of the prompt that are not computed yet, at least one.</param>
    /// <param name="nodes">The nodes.</param>
    /// <returns>Tokens, and the place of each one's parent.</returns>
    internal (int[] Tokens, int[] Parents) Branches(ReadOnlySpan<int> part, LabelTrie.Pass nodes)
    {
        var edges = ((ScoringRequest)Row.Request).Labels.Trie.Edges;
        var tokens = new int[part.Length + nodes.Nodes.Length];
        var parents = new int[tokens.Length];
        part.CopyTo(tokens);
        for (var i = 0; i < part.Length; i++) parents[i] = i - 1;
        for (var i = 0; i < nodes.Nodes.Length; i++)
        {
            tokens[part.Length + i] = edges[nodes.Nodes[i]].Token;
            parents[part.Length + i] = nodes.Parents[i] < 0 ? part.Length - 1 : part.Length + nodes.Parents[i];
        }

        return (tokens, parents);
    }

    /// <summary>Reads the log-probabilities of what follows the prompt and each node of the pass that was computed, and goes on to the next pass.</summary>
    /// <param name="logits">All lines.</param>
    /// <param name="sums">The logarithm of the sum of each line's exponentials.</param>
    /// <param name="vocabulary">Numbers of a line.</param>
    internal void ReadScores(ReadOnlySpan<float> logits, ReadOnlySpan<double> sums, int vocabulary)
    {
        var labels = ((ScoringRequest)Row.Request).Labels;
        var nodes = NextPass()!.Nodes;
        for (var i = -1; i < nodes.Length; i++)
        {
            var line = Line + i + 1;
            if (!double.IsFinite(sums[line])) Row.Fail(EngineFaults.NoNumbers());
            foreach (var edge in labels.Children[i < 0 ? 0 : nodes[i] + 1]) Row.Scores![edge] = logits[(line * vocabulary) + labels.Trie.Edges[edge].Token] - sums[line];
        }

        PassesDone++;
        IsDone = Row.Fault is not null || PassesDone >= labels.Trie.Passes.Count;
        // The prompt's last token is computed again, with the next branches behind it.
        if (!IsDone) Computed--;
    }

    /// <summary>Lets go of its pages.</summary>
    internal void Free(PackedModel packed)
    {
        foreach (var page in Pages) packed.Pages.Release(page);
        foreach (var page in SourcePages) packed.SourcePages!.Release(page);
        Pages.Clear();
        SourcePages.Clear();
        packed.Prefixes.Trim();
    }
}
