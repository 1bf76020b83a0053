using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>Scores labels after a padded batch of prompts: one pass over the prompts and one over the tree of the labels' tokens, in which every branch sees the prompt and itself.</summary>
internal sealed class BatchScoring(ICausalLanguageModel model, CandidateLabels labels)
{
    // 16 MB of logits at a time stay in the cache of a server processor.
    private const long LogitsAtOnce = 4_000_000;

    private readonly LabelTrie trie = labels.Trie;
    private readonly float[][] buffers = [.. Enumerable.Range(0, LogitWork.MostWorkers).Select(_ => new float[model.VocabularySize])];

    /// <summary>For each prompt of a batch, the log-probability of every token of the tree.</summary>
    /// <param name="rows">The tokens of each prompt, and where its edges' log-probabilities go.</param>
    internal void Score(IReadOnlyList<(IReadOnlyList<int> Tokens, double[] Scores)> rows)
    {
        using var scope = torch.NewDisposeScope();
        IReadOnlyList<int>[] prompts = [.. rows.Select(row => row.Tokens)];
        double[][] scores = [.. rows.Select(row => row.Scores)];
        using var pass = new PromptPass(model, prompts);
        var batch = pass.Run(prompts, trie.Passes.Count == 0 ? 0 : trie.Passes.Max(part => part.Nodes.Length));
        using var cache = batch.Cache;
        ReadLogits(batch.Logits, scores, _ => -1, row => row);
        foreach (var part in trie.Passes)
        {
            using var inner = torch.NewDisposeScope();
            var nodes = part.Nodes.Length;
            var device = batch.Logits.device;
            var ids = torch.tensor(part.Nodes.Select(node => (long)trie.Edges[node].Token).ToArray(), 1, nodes).to(device).expand(prompts.Length, nodes);
            var depths = part.Nodes.Select(node => (long)trie.Edges[node].Depth).ToArray();
            long[] positions = [.. prompts.SelectMany(prompt => depths.Select(depth => prompt.Count + depth))];
            var hidden = model.Hidden(
                ids, TreeMask(batch, part, prompts.Length), cache, null, torch.tensor(positions, prompts.Length, nodes).to(device)).view(prompts.Length * nodes, -1);
            var step = (int)Math.Max(1, LogitsAtOnce / model.VocabularySize);
            for (var from = 0; from < prompts.Length * nodes; from += step)
            {
                using var chunk = torch.NewDisposeScope();
                var first = from;
                ReadLogits(model.Logits(hidden.narrow(0, from, Math.Min(step, (prompts.Length * nodes) - from))), scores, i => part.Nodes[(first + i) % nodes], i => (first + i) / nodes);
            }

            cache.Truncate(batch.Length);
        }
    }

    /// <summary>[rows, 1, nodes, prompt + nodes]: every node sees the real tokens of the prompt, the nodes above it, and itself.</summary>
    private static Tensor TreeMask(PromptBatch batch, LabelTrie.Pass part, int rows)
    {
        var nodes = part.Nodes.Length;
        var tree = new float[nodes * nodes];
        Array.Fill(tree, (float)AttentionMasks.Hidden);
        for (var node = 0; node < nodes; node++)
        {
            // Parents come first, so a parent's row is complete when its child copies it.
            if (part.Parents[node] >= 0) tree.AsSpan(part.Parents[node] * nodes, nodes).CopyTo(tree.AsSpan(node * nodes, nodes));
            tree[(node * nodes) + node] = 0;
        }

        var device = batch.Logits.device;
        var seen = batch.Mask is null
            ? torch.zeros([rows, 1, nodes, batch.Length], device: device)
            : AttentionMasks.Padding(batch.Mask.narrow(1, 0, batch.Length))!.expand(rows, 1, nodes, batch.Length);
        return torch.cat([seen, torch.tensor(tree, 1, 1, nodes, nodes).to(device).expand(rows, 1, nodes, nodes)], 3);
    }

    /// <summary>Turns lines of logits into the log-probabilities of the tokens that may follow.</summary>
    /// <param name="logits">[lines, vocabulary].</param>
    /// <param name="scores">Filled: prompts by tokens of the tree.</param>
    /// <param name="nodeOf">The token of the tree a line belongs to; -1 for the prompt's own.</param>
    /// <param name="promptOf">The prompt a line belongs to.</param>
    private void ReadLogits(Tensor logits, double[][] scores, Func<int, int> nodeOf, Func<int, int> promptOf)
    {
        var rows = new LogitRows(logits);
        var workers = Math.Min(rows.Count, buffers.Length);
        var broken = 0;
        Parallel.For(0, workers, worker =>
        {
            var row = buffers[worker].AsSpan();
            for (var line = worker; line < rows.Count; line += workers)
            {
                rows.CopyTo(line, row);
                var normaliser = LogitRows.LogSumExp(row);
                if (!double.IsFinite(normaliser)) Interlocked.Exchange(ref broken, 1);
                foreach (var edge in labels.Children[nodeOf(line) + 1]) scores[promptOf(line)][edge] = row[trie.Edges[edge].Token] - normaliser;
            }
        });
        if (broken != 0) throw EngineFaults.NoNumbers();
    }
}
