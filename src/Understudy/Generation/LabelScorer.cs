using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>
/// Scores candidate labels after prompts: the log-probability of every label, from one pass over the prompt and one over the tree of the labels'
/// tokens, in which every branch sees the prompt and itself. Not thread-safe.
/// </summary>
/// <remarks>For bfloat16 arithmetic open <see cref="torch.autocast"/> around the calls; probabilities are summed up in double precision either way.</remarks>
public sealed class LabelScorer
{
    // 16 MB of logits at a time stay in the cache of a server processor.
    private const long LogitsAtOnce = 4_000_000;

    private readonly ICausalLanguageModel model;
    private readonly LabelTrie trie;
    private readonly int[][] children;
    private readonly bool lengthNormalize;
    private readonly float[][] buffers;
    private double[]? contentFree;

    /// <summary>A scorer for a set of labels.</summary>
    /// <param name="model">The model; dropout is expected to be off.</param>
    /// <param name="labels">The tokens of each label as they follow a prompt, at least one each. End each with the token or line break that ends a label in the prompts, or
    /// a label that another begins with is favoured.</param>
    /// <param name="lengthNormalize">Whether a label's log-probability is divided by its number of tokens.</param>
    /// <exception cref="ArgumentException">A label is empty or unknown to the model, or two labels are the same.</exception>
    public LabelScorer(ICausalLanguageModel model, IReadOnlyList<IReadOnlyList<int>> labels, bool lengthNormalize = false)
    {
        (this.model, this.lengthNormalize) = (model, lengthNormalize);
        trie = new LabelTrie(labels);
        buffers = [.. Enumerable.Range(0, Math.Max(1, Math.Min(Environment.ProcessorCount, torch.get_num_threads()))).Select(_ => new float[model.VocabularySize])];
        var following = trie.Children;
        children = [.. Enumerable.Range(-1, trie.Edges.Count + 1).Select(node => following[node].ToArray())];
        if (trie.MaxToken >= model.VocabularySize || trie.Edges.Any(edge => edge.Token < 0))
            throw new ArgumentException($"A label holds a token that the model does not know; it knows {model.VocabularySize}. Does the tokenizer belong to the model?", nameof(labels));
    }

    /// <summary>
    /// From now on takes off each label's score after prompts without content ("N/A", an empty text): a preference that has nothing to do with the text
    /// (Zhao et al., arXiv 2102.09690).
    /// </summary>
    /// <param name="prompts">At least one prompt; their distributions are averaged.</param>
    public void Calibrate(IReadOnlyList<IReadOnlyList<int>> prompts)
    {
        if (prompts.Count == 0) throw new ArgumentException("Expected at least one prompt without content, found none.", nameof(prompts));
        contentFree = null;
        var mean = new double[trie.Paths.Count];
        foreach (var score in Score(prompts))
        {
            for (var label = 0; label < mean.Length; label++) mean[label] += score.Probabilities[label] / prompts.Count;
        }

        // A label that underflows to nothing must not become infinitely probable.
        contentFree = [.. mean.Select(probability => Math.Log(Math.Max(probability, 1e-30)))];
    }

    /// <summary>Scores all labels after every prompt, batch by batch; a batch is computed when its first score is asked for.</summary>
    /// <param name="prompts">The tokens of each prompt. What all of them begin with is computed once.</param>
    /// <param name="batchSize">Prompts computed at once, at least 1.</param>
    /// <param name="cancellation">Checked before every batch.</param>
    /// <returns>One score for each prompt, shorter prompts first; <see cref="LabelScore.Prompt"/> says which prompt it belongs to.</returns>
    /// <exception cref="ArgumentException">A prompt is empty, too long for the model, or holds unknown tokens.</exception>
    /// <exception cref="InvalidDataException">The model's logits are not numbers.</exception>
    public IEnumerable<LabelScore> Score(IReadOnlyList<IReadOnlyList<int>> prompts, int batchSize = 32, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        for (var i = 0; i < prompts.Count; i++)
        {
            if (prompts[i].Count + trie.MaxDepth > model.MaxLength + 1)
                throw new ArgumentException($"Prompt {i} has {prompts[i].Count} tokens and the longest label {trie.MaxDepth}, the model takes at most {model.MaxLength}. Shorten the prompt.", nameof(prompts));
        }

        return prompts.Count == 0 ? [] : ScoreBatches(prompts, batchSize, cancellation);
    }

    private IEnumerable<LabelScore> ScoreBatches(IReadOnlyList<IReadOnlyList<int>> prompts, int batchSize, CancellationToken cancellation)
    {
        using var pass = new PromptPass(model, prompts);
        foreach (var batch in Enumerable.Range(0, prompts.Count).OrderBy(i => prompts[i].Count).Chunk(batchSize))
        {
            cancellation.ThrowIfCancellationRequested();
            var scores = RunBatch(pass, [.. batch.Select(i => prompts[i])]);
            for (var row = 0; row < batch.Length; row++) yield return new LabelScore(batch[row], trie, scores[row], lengthNormalize, contentFree);
        }
    }

    /// <summary>For each prompt of a batch, the log-probability of every token of the tree.</summary>
    private double[][] RunBatch(PromptPass pass, IReadOnlyList<IReadOnlyList<int>> prompts)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var scores = prompts.Select(_ => new double[trie.Edges.Count]).ToArray();
        var batch = pass.Run(prompts, trie.Passes.Count == 0 ? 0 : trie.Passes.Max(part => part.Nodes.Length));
        using var cache = batch.Cache;
        ReadLogits(batch.Logits, scores, _ => -1, row => row);
        foreach (var part in trie.Passes)
        {
            using var inner = torch.NewDisposeScope();
            var nodes = part.Nodes.Length;
            var device = batch.Logits.device;
            var ids = torch.tensor(part.Nodes.Select(node => (long)trie.Edges[node].Token).ToArray(), 1, nodes).to(device).expand(prompts.Count, nodes);
            var depths = part.Nodes.Select(node => (long)trie.Edges[node].Depth).ToArray();
            long[] positions = [.. prompts.SelectMany(prompt => depths.Select(depth => prompt.Count + depth))];
            var hidden = model.Hidden(
                ids, TreeMask(batch, part, prompts.Count), cache, null, torch.tensor(positions, prompts.Count, nodes).to(device)).view(prompts.Count * nodes, -1);
            var step = (int)Math.Max(1, LogitsAtOnce / model.VocabularySize);
            for (var from = 0; from < prompts.Count * nodes; from += step)
            {
                using var chunk = torch.NewDisposeScope();
                var first = from;
                ReadLogits(model.Logits(hidden.narrow(0, from, Math.Min(step, (prompts.Count * nodes) - from))), scores, i => part.Nodes[(first + i) % nodes], i => (first + i) / nodes);
            }

            cache.Truncate(batch.Length);
        }

        return scores;
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
                foreach (var edge in children[nodeOf(line) + 1]) scores[promptOf(line)][edge] = row[trie.Edges[edge].Token] - normaliser;
            }
        });
        if (broken != 0) throw new InvalidDataException("The model's logits are not numbers (NaN or infinite). Its weights are damaged or its training diverged; take an earlier checkpoint.");
    }
}
