using Understudy.Data;
using Understudy.Generation;
using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>Tokens drawn in one go against the processors one by one.</summary>
public sealed class DrawLinesTests
{
    /// <summary>Temperature, top-k, top-p, min-p; and how far from flat the logits are.</summary>
    public static TheoryData<double, int?, double?, double?, double> Settings() => new()
    {
        { 1, null, null, null, 4 },
        { 0.7, null, 0.9, null, 4 },
        { 1.5, 40, null, null, 4 },
        { 1, 1, null, null, 4 },
        { 0.9, 50, 0.95, 0.05, 6 },
        { 1, null, null, 0.1, 3 },
        { 1, null, 0.3, null, 0.01 },
        { 2, 100_000, 0.999, null, 20 },
        { 0.05, null, 0.9, null, 1 },
    };

    [Theory]
    [MemberData(nameof(Settings))]
    public void The_same_tokens_stay_and_the_same_is_drawn(double temperature, int? topK, double? topP, double? minP, double spread)
    {
        foreach (var vocabulary in new[] { 7, 61, 1000, 5003 })
        {
            var processors = LogitsProcessors.From(new SamplingOptions { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP }, [], []);
            var settings = DrawSettings.Of(processors)!;
            Assert.Empty(settings.Before);
            var logits = Logits(vocabulary, spread);
            var probabilities = new float[vocabulary];
            new Sampler(processors, doSample: true).Probabilities(logits.ToArray(), new RowTokens([0], 1), probabilities);
            using var lines = torch.tensor(logits, 1, vocabulary);
            var shares = Enumerable.Range(0, 2000).Select(i => i / 2000.0).ToArray();
            var tokens = new int[shares.Length];
            torch.draw_lines(lines, [.. shares.Select(share => settings.Line(0, share))], tokens);
            var sum = 0.0;
            var reached = probabilities.Select(probability => sum += probability).ToArray();
            for (var i = 0; i < shares.Length; i++)
            {
                Assert.True(probabilities[tokens[i]] > 0, $"Token {tokens[i]} was taken out.");
                // The order of the ids is that of the shares; both sums round.
                Assert.InRange(shares[i], reached[tokens[i]] - probabilities[tokens[i]] - 1e-4, reached[tokens[i]] + 1e-4);
            }
        }
    }

    [Fact]
    public void Of_equal_logits_those_of_the_highest_ids_stay()
    {
        using var lines = torch.tensor(new float[] { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 1, 10);
        var tokens = new int[3];
        torch.draw_lines(lines, [new DrawLine(0, 1, 0.25f, 0, 0, 0), new DrawLine(0.5, 1, 0.25f, 0, 0, 0), new DrawLine(0.99, 1, 0.25f, 0, 0, 0)], tokens);
        Assert.Equal([7, 8, 9], tokens);
    }

    [Fact]
    public void Forbidden_tokens_and_faults()
    {
        float[] logits = [float.NegativeInfinity, 2, float.NegativeInfinity, float.NaN, 1, 1, float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity];
        using var lines = torch.tensor(logits, 3, 3);
        var tokens = new int[4];
        torch.draw_lines(lines, [new DrawLine(0.9, 1, 1, 0, 0, 0), new DrawLine(0, 1, 1, 0, 0, 1), new DrawLine(0, 1, 1, 0, 0, 2), new DrawLine(0, 1, 0.9f, 0, 2, 2)], tokens);
        Assert.Equal([1, -1, -2, -2], tokens);
        torch.argmax_lines(lines, tokens.AsSpan(0, 3));
        Assert.Equal([1, -1, -2], tokens[..3]);
        Assert.Throws<TorchException>(() => torch.draw_lines(lines, [new DrawLine(0, 1, 1, 0, 0, 3)], tokens.AsSpan(0, 1)));
        Assert.Throws<TorchException>(() => torch.draw_lines(lines, [new DrawLine(0, 0, 1, 0, 0, 0)], tokens.AsSpan(0, 1)));
    }

    [Fact]
    public void Other_orders_and_kinds_of_processors_are_left_to_them()
    {
        Assert.Null(DrawSettings.Of([new TopPLogitsWarper(0.9), new TemperatureLogitsWarper(2)]));
        Assert.Null(DrawSettings.Of([new TypicalLogitsWarper(0.9)]));
        Assert.Null(DrawSettings.Of([CutoffLogitsWarper.Eta(0.1), new TopKLogitsWarper(3)]));
        var settings = DrawSettings.Of([new RepetitionPenaltyLogitsProcessor(1.2), new TemperatureLogitsWarper(2), new MinPLogitsWarper(0.25)])!;
        Assert.Single(settings.Before);
        Assert.Equal((2f, 0, 1f), (settings.Temperature, settings.TopK, settings.TopP));
        Assert.Equal(0.25f, settings.MinP, 6);
    }

    private static float[] Logits(int count, double spread)
    {
        var random = new SeededRandom(count);
        return [.. Enumerable.Range(0, count).Select(i => i % 11 == 5 ? float.NegativeInfinity : (float)((random.NextDouble() - 0.5) * 2 * spread))];
    }
}
