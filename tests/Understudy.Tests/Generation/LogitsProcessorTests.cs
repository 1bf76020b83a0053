using Understudy.Data;
using Understudy.Generation;

namespace Understudy.Tests.Generation;

/// <summary>Every processor against a plain implementation of its definition that sorts the whole vocabulary.</summary>
public sealed class LogitsProcessorTests
{
    private static readonly int[] NoTokens = [];

    public static TheoryData<int, bool> Vocabularies { get; } = new() { { 1, false }, { 2, false }, { 7, false }, { 100, false }, { 1000, false }, { 5003, false }, { 300, true }, { 5003, true } };

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void Top_k_keeps_what_is_at_least_the_kth_largest(int vocabulary, bool ties)
    {
        foreach (var k in new[] { 1, 2, 5, 50, 400, 10_000 })
        {
            var logits = Logits(vocabulary, ties, seed: k);
            var threshold = logits.OrderDescending().ElementAt(Math.Min(k, vocabulary) - 1);
            AssertKept(logits, new TopKLogitsWarper(k), i => logits[i] >= threshold);
        }
    }

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void Top_p_keeps_the_end_of_the_ascending_order(int vocabulary, bool ties)
    {
        foreach (var p in new[] { 0.001, 0.1, 0.5, 0.9, 0.9999, 1 })
        {
            var logits = Logits(vocabulary, ties, seed: 11);
            var ascending = Enumerable.Range(0, vocabulary).OrderBy(i => logits[i]).ToArray();
            var probabilities = Softmax(logits);
            var cumulative = 0.0;
            var removed = new HashSet<int>();
            foreach (var i in ascending[..^1])
            {
                cumulative += probabilities[i];
                if (cumulative <= 1 - p) removed.Add(i);
            }

            AssertKept(logits, new TopPLogitsWarper(p), i => !removed.Contains(i));
        }
    }

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void Typical_keeps_the_surprises_nearest_to_the_entropy(int vocabulary, bool ties)
    {
        foreach (var mass in new[] { 0.01, 0.2, 0.8, 0.99 })
        {
            var logits = Logits(vocabulary, ties, seed: 5);
            var probabilities = Softmax(logits);
            var entropy = probabilities.Sum(p => -p * Math.Log(p));
            var shifted = probabilities.Select(p => Math.Abs(-Math.Log(p) - entropy)).ToArray();
            var cumulative = 0.0;
            var order = Enumerable.Range(0, vocabulary).OrderBy(i => shifted[i]).ToArray();
            var threshold = shifted[order.FirstOrDefault(i => (cumulative += probabilities[i]) >= mass, order[^1])];
            AssertKept(logits, new TypicalLogitsWarper(mass), i => shifted[i] <= threshold + 1e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public void Min_p_epsilon_and_eta_compare_probabilities_with_a_threshold(int vocabulary, bool ties)
    {
        var logits = Logits(vocabulary, ties, seed: 8);
        var probabilities = Softmax(logits);
        var top = probabilities.Max();
        var entropy = probabilities.Sum(p => -p * Math.Log(p));
        var eta = Math.Min(0.003, Math.Sqrt(0.003) * Math.Exp(-entropy));
        AssertKept(logits, new MinPLogitsWarper(0.12), i => probabilities[i] >= 0.12 * top);
        AssertKept(logits, new MinPLogitsWarper(0), _ => true);
        AssertKept(logits, CutoffLogitsWarper.Epsilon(0.003), i => probabilities[i] >= 0.003 || probabilities[i] == top);
        AssertKept(logits, CutoffLogitsWarper.Eta(0.003), i => probabilities[i] >= eta || probabilities[i] == top);
    }

    [Fact]
    public void Filters_leave_already_forbidden_tokens_forbidden()
    {
        ILogitsProcessor[] filters = [new TopKLogitsWarper(3), new TopPLogitsWarper(0.9), new TypicalLogitsWarper(0.9), new MinPLogitsWarper(0.01), CutoffLogitsWarper.Eta(0.01)];
        foreach (var filter in filters)
        {
            float[] logits = [float.NegativeInfinity, 1, float.NegativeInfinity, 0.9f, float.NegativeInfinity];
            filter.Process(logits, new RowTokens(NoTokens, 0), new SamplingScratch());
            Assert.Equal([float.NegativeInfinity, 1, float.NegativeInfinity, 0.9f, float.NegativeInfinity], logits);
        }
    }

    [Fact]
    public void The_repetition_penalty_punishes_a_token_once_on_either_side_of_zero()
    {
        float[] logits = [2, -2, 2, -2, 0];
        new RepetitionPenaltyLogitsProcessor(2).Process(logits, new RowTokens([0, 1, 0, 1, 4], 2), new SamplingScratch());
        Assert.Equal([1, -4, 2, -2, 0], logits);
    }

    [Theory]
    [InlineData(1, new[] { 3, 1, 3 }, new[] { 1, 3 })]
    [InlineData(2, new[] { 3, 1, 3 }, new[] { 1 })]
    [InlineData(3, new[] { 3, 1, 2, 3, 1 }, new[] { 2 })]
    [InlineData(3, new[] { 3, 1 }, new int[0])]
    [InlineData(2, new int[0], new int[0])]
    [InlineData(2, new[] { 2, 2, 2 }, new[] { 2 })]
    public void No_repeat_ngram_forbids_what_would_complete_one(int size, int[] row, int[] forbidden)
    {
        var logits = new float[5];
        new NoRepeatNGramLogitsProcessor(size).Process(logits, new RowTokens(row, 0), new SamplingScratch());
        Assert.Equal(forbidden, Enumerable.Range(0, 5).Where(i => float.IsNegativeInfinity(logits[i])));
    }

    [Theory]
    [InlineData(new[] { 9 }, new[] { 1 })]
    [InlineData(new[] { 9, 2 }, new[] { 1, 3 })]
    [InlineData(new[] { 9, 2, 3 }, new[] { 1, 4 })]
    [InlineData(new[] { 2 }, new[] { 1 })]
    public void Bad_words_are_forbidden_at_their_last_token(int[] row, int[] forbidden)
    {
        var logits = new float[10];
        new NoBadWordsLogitsProcessor([[1], [2, 3], [2, 3, 4], [0], [77]], eosTokenIds: [0]).Process(logits, new RowTokens(row, 0), new SamplingScratch());
        Assert.Equal(forbidden, Enumerable.Range(0, 10).Where(i => float.IsNegativeInfinity(logits[i])));
    }

    [Fact]
    public void Min_new_tokens_counts_from_the_end_of_the_prompt()
    {
        var processor = new MinNewTokensLengthLogitsProcessor(2, [1]);
        float[] early = [0, 0], late = [0, 0];
        processor.Process(early, new RowTokens([0, 0, 0, 0], 3), new SamplingScratch());
        processor.Process(late, new RowTokens([0, 0, 0, 0, 0], 3), new SamplingScratch());
        Assert.Equal([0, float.NegativeInfinity], early);
        Assert.Equal([0, 0], late);
    }

    [Fact]
    public void Options_become_processors_in_the_order_of_the_reference()
    {
        var all = new SamplingOptions { Temperature = 0.5, TopK = 3, TopP = 0.5, MinP = 0.1, TypicalP = 0.5, RepetitionPenalty = 2, NoRepeatNgramSize = 2 };
        Assert.Equal(
            ["RepetitionPenaltyLogitsProcessor", "NoRepeatNGramLogitsProcessor", "NoBadWordsLogitsProcessor", "TemperatureLogitsWarper", "TopKLogitsWarper", "TopPLogitsWarper", "MinPLogitsWarper", "TypicalLogitsWarper"],
            LogitsProcessors.From(all, [[1]], [0]).Select(processor => processor.GetType().Name));
        Assert.Equal(3, LogitsProcessors.From(all with { DoSample = false }, [[1]], [0]).Count);
        Assert.Empty(LogitsProcessors.From(new SamplingOptions { TopP = 1 }, [], [0]));
    }

    [Fact]
    public void Values_out_of_range_are_refused()
    {
        Action[] bad =
        [
            () => _ = new TemperatureLogitsWarper(0), () => _ = new TemperatureLogitsWarper(double.NaN), () => _ = new TopKLogitsWarper(0),
            () => _ = new TopPLogitsWarper(0), () => _ = new TopPLogitsWarper(1.1), () => _ = new MinPLogitsWarper(-0.1), () => _ = new TypicalLogitsWarper(1),
            () => CutoffLogitsWarper.Epsilon(1), () => CutoffLogitsWarper.Eta(0), () => _ = new RepetitionPenaltyLogitsProcessor(0),
            () => _ = new NoRepeatNGramLogitsProcessor(0), () => _ = new MinNewTokensLengthLogitsProcessor(-1, []), () => _ = new NoBadWordsLogitsProcessor([[]], []),
        ];
        Assert.All(bad, make => Assert.ThrowsAny<ArgumentException>(make));
    }

    private static float[] Logits(int vocabulary, bool ties, int seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, vocabulary).Select(_ => ties ? random.NextInt(5) : (float)(8 * (random.NextDouble() + random.NextDouble() + random.NextDouble())))];
    }

    private static double[] Softmax(float[] logits)
    {
        var max = logits.Max();
        var weights = logits.Select(logit => Math.Exp(logit - (double)max)).ToArray();
        var total = weights.Sum();
        return [.. weights.Select(weight => weight / total)];
    }

    private static void AssertKept(float[] logits, ILogitsProcessor processor, Func<int, bool> kept)
    {
        var processed = logits.ToArray();
        processor.Process(processed, new RowTokens(NoTokens, 0), new SamplingScratch());
        for (var i = 0; i < logits.Length; i++) Assert.True(processed[i] == (kept(i) ? logits[i] : float.NegativeInfinity), $"token {i}: {logits[i]} became {processed[i]}");
    }
}
