using System.Numerics.Tensors;
using Understudy.Data;

namespace Understudy.Generation;

/// <summary>Picks the next token of a row from its logits. Not thread-safe: one for each thread.</summary>
public sealed class Sampler
{
    private const int BlockSize = 512;

    private readonly bool doSample;
    private readonly IReadOnlyList<ILogitsProcessor> processors;
    private readonly SamplingScratch scratch;

    /// <summary>A sampler that applies <paramref name="processors"/> in order and then draws, or takes the most probable token.</summary>
    public Sampler(IReadOnlyList<ILogitsProcessor> processors, bool doSample)
        : this(processors, doSample, new SamplingScratch())
    {
    }

    /// <summary>A sampler for options; see <see cref="LogitsProcessors.From"/>.</summary>
    public Sampler(SamplingOptions options, IReadOnlyCollection<IReadOnlyList<int>> badWords, IReadOnlyCollection<int> eosTokenIds)
        : this(LogitsProcessors.From(options, badWords, eosTokenIds), options.DoSample)
    {
    }

    /// <summary>A sampler with the buffers of its thread.</summary>
    internal Sampler(IReadOnlyList<ILogitsProcessor> processors, bool doSample, SamplingScratch scratch) =>
        (this.processors, this.doSample, this.scratch) = (processors, doSample, scratch);

    /// <summary>Picks a token: one number is drawn from <paramref name="random"/> when sampling, none otherwise.</summary>
    /// <param name="logits">The logits of one row; overwritten.</param>
    /// <param name="row">The tokens of the row so far.</param>
    /// <param name="random">The row's own generator.</param>
    /// <returns>The id of the token; of equally probable ones the lowest when not sampling.</returns>
    /// <exception cref="InvalidDataException">The logits hold NaN, or no token is left to pick.</exception>
    public int Pick(Span<float> logits, RowTokens row, SeededRandom random)
    {
        Process(logits, row);
        var best = TensorPrimitives.IndexOfMax(logits);
        // IndexOfMax gives the place of the first NaN when there is one.
        if (best < 0 || float.IsNaN(logits[best]))
            throw new InvalidDataException("The model's logits are not numbers (NaN). Its weights are damaged or its training diverged; take an earlier checkpoint.");
        if (float.IsNegativeInfinity(logits[best]))
            throw EngineFaults.NothingAllowed();
        return doSample ? Draw(logits, best, random.NextDouble()) : best;
    }

    /// <summary>The distribution that <see cref="Pick"/> draws from, one probability for every token.</summary>
    /// <param name="logits">The logits of one row; overwritten.</param>
    /// <param name="row">The tokens of the row so far.</param>
    /// <param name="probabilities">Filled; as long as <paramref name="logits"/>.</param>
    public void Probabilities(Span<float> logits, RowTokens row, Span<float> probabilities)
    {
        Process(logits, row);
        var weights = scratch.Weights(logits, out _, out var total);
        for (var i = 0; i < weights.Length; i++) probabilities[i] = (float)(weights[i] / total);
    }

    /// <summary>Lets the processors change the logits.</summary>
    internal void Process(Span<float> logits, RowTokens row)
    {
        foreach (var token in row.Tokens)
        {
            if ((uint)token >= (uint)logits.Length)
                throw new ArgumentException($"The row holds the token {token}, the model knows {logits.Length}. Does the tokenizer belong to the model?", nameof(row));
        }

        // Indexed, because enumerating an interface allocates.
        for (var i = 0; i < processors.Count; i++) processors[i].Process(logits, row, scratch);
    }

    /// <summary>The token at which the cumulative probability, in the order of ids, exceeds <paramref name="share"/>.</summary>
    private int Draw(ReadOnlySpan<float> logits, int best, double share)
    {
        var weights = scratch.Weights(logits, out _, out var total);
        var left = share * total;
        for (var start = 0; start < weights.Length; start += BlockSize)
        {
            var block = weights[start..Math.Min(start + BlockSize, weights.Length)];
            var sum = FixedOrderSum.Of(block);
            if (left >= sum)
            {
                left -= sum;
                continue;
            }

            for (var i = 0; i < block.Length; i++)
            {
                left -= block[i];
                if (left < 0 && block[i] > 0) return start + i;
            }
        }

        // Rounding left a remainder beyond the last token.
        return best;
    }
}
