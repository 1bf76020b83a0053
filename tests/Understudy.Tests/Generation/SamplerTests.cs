using Understudy.Data;
using Understudy.Generation;

namespace Understudy.Tests.Generation;

public sealed class SamplerTests
{
    [Fact]
    public void Greedy_takes_the_lowest_id_of_equals_and_draws_nothing()
    {
        var random = new SeededRandom(1);
        var before = random.Save();
        Assert.Equal(1, new Sampler([], doSample: false).Pick([0, 3, 3, 2], new RowTokens([], 0), random));
        Assert.Equal(before, random.Save());
    }

    [Fact]
    public void Draws_follow_the_distribution()
    {
        var sampler = new Sampler([], doSample: true);
        var random = new SeededRandom(4);
        var logits = new float[3000];
        Array.Fill(logits, float.NegativeInfinity);
        (logits[3], logits[700], logits[2999]) = (MathF.Log(0.2f), MathF.Log(0.5f), MathF.Log(0.3f));
        var counts = new Dictionary<int, int>();
        var row = new float[logits.Length];
        for (var i = 0; i < 4_000; i++)
        {
            logits.CopyTo(row, 0);
            var token = sampler.Pick(row, new RowTokens([], 0), random);
            counts[token] = counts.GetValueOrDefault(token) + 1;
        }

        // Five standard deviations of a share of 4,000 draws are below 0.04.
        Assert.Equal([3, 700, 2999], counts.Keys.Order());
        Assert.Equal(0.2, counts[3] / 4_000.0, 0.04);
        Assert.Equal(0.5, counts[700] / 4_000.0, 0.04);
    }

    [Fact]
    public void A_draw_is_a_function_of_the_seed()
    {
        Assert.Equal(Draws(9), Draws(9));
        Assert.NotEqual(Draws(9), Draws(10));
        // Pinned: the text of a seed is part of what a run records.
        Assert.Equal([0, 10, 7, 34, 48, 39, 36, 26], Draws(9)[..8]);

        static List<int> Draws(long seed)
        {
            var sampler = new Sampler([new TopPLogitsWarper(0.9)], doSample: true);
            var random = new SeededRandom(seed);
            return [.. Enumerable.Range(0, 50).Select(step => sampler.Pick([.. Enumerable.Range(0, 50).Select(i => MathF.Sin((i * 7) + step))], new RowTokens([], 0), random))];
        }
    }

    [Fact]
    public void Says_what_is_wrong_with_logits_that_give_no_token()
    {
        var sampler = new Sampler([], doSample: true);
        Assert.Equal(
            "The model's logits are not numbers (NaN). Its weights are damaged or its training diverged; take an earlier checkpoint.",
            Assert.Throws<InvalidDataException>(() => sampler.Pick([0, float.NaN, 1], new RowTokens([], 0), new SeededRandom(1))).Message);
        Assert.Equal(
            "Every token is forbidden at this point. Allow some: fewer bad words, or a larger no_repeat_ngram_size.",
            Assert.Throws<InvalidDataException>(() => sampler.Pick([float.NegativeInfinity], new RowTokens([], 0), new SeededRandom(1))).Message);
        Assert.Equal(
            "The row holds the token 7, the model knows 2. Does the tokenizer belong to the model? (Parameter 'row')",
            Assert.Throws<ArgumentException>(() => sampler.Pick([0, 1], new RowTokens([7], 0), new SeededRandom(1))).Message);
    }

    [Fact]
    public void A_warm_sampler_allocates_nothing_for_a_large_vocabulary()
    {
        var options = new SamplingOptions { RepetitionPenalty = 1.1, NoRepeatNgramSize = 3, Temperature = 0.8, TopK = 200, TopP = 0.95, MinP = 0.001, TypicalP = 0.95 };
        var sampler = new Sampler(options, [[5], [6, 7]], [0]);
        var random = new SeededRandom(2);
        var logits = new float[50_304];
        var noise = Enumerable.Range(0, logits.Length).Select(_ => (float)(6 * (random.NextDouble() - random.NextDouble()))).ToArray();
        var history = Enumerable.Range(0, 200).Select(_ => random.NextInt(logits.Length)).ToArray();
        for (var i = 0; i < 200; i++) Pick();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 50; i++) Pick();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Pick()
        {
            noise.CopyTo(logits, 0);
            sampler.Pick(logits, new RowTokens(history, 100), random);
        }
    }
}
