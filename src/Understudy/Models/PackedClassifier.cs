using System.Runtime.InteropServices;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>A classifier's packed form at work: rows one after the other without padding, each the same to the last bit whatever is computed beside it. Not thread-safe.</summary>
internal sealed class PackedClassifier
{
    // Enough for products to be at their rate; what is between two layers stays in the cache of a server processor.
    private const int TokensAtOnce = 2048;

    private readonly PackedModel packed;
    private readonly bool readsLast;
    private readonly int maxLength;

    private PackedClassifier(PackedModel packed, bool readsLast, int maxLength) => (this.packed, this.readsLast, this.maxLength) = (packed, readsLast, maxLength);

    /// <summary>The packed form of a classifier; null where it cannot be packed.</summary>
    internal static PackedClassifier? Of(ISequenceClassifier model) =>
        PackedModel.Of(model) is { } packed ? new PackedClassifier(packed, ((IStepModel)model).StepReadsLast, model.MaxLength) : null;

    /// <summary>The logits of rows, a part of them after the other.</summary>
    /// <param name="rows">Tokens and token types of each; no types are all 0.</param>
    /// <returns>The number of the first row, and [rows from there on, classes] float32, which holds until the next part.</returns>
    /// <exception cref="ArgumentException">A row has no tokens, or more than the model takes.</exception>
    internal IEnumerable<(int First, Tensor Logits)> Logits(IReadOnlyList<(int[] Ids, int[] Types)> rows)
    {
        var batch = new StepBatch();
        var pages = new List<int>();
        for (var next = 0; next < rows.Count;)
        {
            batch.Clear();
            pages.Clear();
            var (first, longest) = (next, 0);
            for (; next < rows.Count && (next == first || batch.Tokens + rows[next].Ids.Length <= TokensAtOnce); next++)
            {
                var (ids, types) = rows[next];
                if (ids.Length == 0 || ids.Length > maxLength) throw new ArgumentException($"A row of {ids.Length} tokens was given; the model takes 1 to {maxLength}. Shorten the text or set max_length.", nameof(rows));
                var begin = pages.Count;
                for (var i = 0; i < PagePool.PagesOf(ids.Length); i++) pages.Add(pages.Count);
                var token = batch.Add(ids, 0, CollectionsMarshal.AsSpan(pages)[begin..], tokenTypes: types);
                batch.Select(readsLast ? token + ids.Length - 1 : token);
                longest = Math.Max(longest, ids.Length);
            }

            // Nobody else has pages of a classifier's cache.
            packed.Cache.Reserve(pages.Count);
            using var scope = torch.NewDisposeScope();
            var logits = torch.empty([next - first, packed.Outputs], ScalarType.Float32);
            packed.Run(batch, longest, logits);
            yield return (first, logits);
        }
    }
}
