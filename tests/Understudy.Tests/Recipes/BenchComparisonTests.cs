using Understudy.Recipes;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

public sealed class BenchComparisonTests
{
    private static readonly DateTime Date = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    [Fact]
    public void An_earlier_measurement_is_compared_figure_by_figure()
    {
        var comparison = BenchComparison.WithEarlier(Report([200, 220, 210]), Report([100, 110, 105], peak: 500));
        Assert.Equal((0, "/before"), (comparison.Turns, comparison.Before.Path));
        Assert.Empty(comparison.Notes);
        Assert.Equal(["tokens/s", "GEMM operations/s", "work/GEMM", "peak bytes"], comparison.Changes.Select(change => change.Figure));
        var tokens = comparison.Changes[0];
        Assert.Equal(("tiny", PrecisionMode.Fp32, 2, 105.0, 210.0, 2.0), (tokens.Shape, tokens.Precision, tokens.Threads, tokens.Before, tokens.Now, tokens.Ratio));
        // The furthest that medians drawn anew can be apart.
        Assert.InRange(tokens.Interval!.Value.Lower, 200 / 110.0, 2);
        Assert.InRange(tokens.Interval.Value.Upper, 2, 220 / 100.0);
        Assert.Equal((2.0, null), (comparison.Changes[3].Ratio, comparison.Changes[3].Interval));
        Assert.Equal(comparison.Changes.Select(change => change.Interval), BenchComparison.WithEarlier(Report([200, 220, 210]), Report([100, 110, 105], peak: 500)).Changes.Select(change => change.Interval));
    }

    [Fact]
    public void What_is_not_the_same_is_not_compared()
    {
        var now = Report([1, 2]);
        var other = Report([1, 2], options: new BenchOptions { BatchSize = 3 });
        var comparison = BenchComparison.WithEarlier(now, other with { Machine = other.Machine with { Cores = 64, Dotnet = "9" } });
        Assert.Empty(comparison.Changes);
        Assert.Equal("The machine was another: a, 64 cores, cpu, libtorch 1, b; now a, 2 cores, cpu, libtorch 1, b.", comparison.Notes[0]);
        Assert.Equal("tiny fp32 with 2 threads was measured with other settings there. Measure it again with the same --set.", comparison.Notes[1]);
        // How often it was measured is no difference.
        Assert.NotEmpty(BenchComparison.WithEarlier(now, Report([1, 2], options: new BenchOptions { Repeats = 9, Seed = 4, ProfileSteps = 2 })).Changes);
        Assert.Equal("tiny fp32 with 2 threads was not measured there.", Assert.Single(BenchComparison.WithEarlier(now, now with { Results = [] }).Notes));
    }

    [Fact]
    public void Turns_are_compared_in_pairs()
    {
        // The machine halves its speed after the first turn: every pair still says 1.1, or nearly.
        var comparison = BenchComparison.InTurns([(Report([110]), Report([100])), (Report([55.5]), Report([50])), (Report([54.5]), Report([50]))]);
        var tokens = comparison.Changes[0];
        double[] ratios = [1.1, 1.11, 1.09];
        Assert.Equal(3, comparison.Turns);
        Assert.Equal(ratios, tokens.Ratios.Select(ratio => Math.Round(ratio, 12)));
        var mean = ratios.Average(Math.Log);
        Assert.Equal(Math.Exp(mean), tokens.Ratio, 1e-12);
        // Student's t with 2 degrees of freedom: 4.302653.
        var margin = 4.302653 * Math.Sqrt(ratios.Sum(ratio => Math.Pow(Math.Log(ratio) - mean, 2)) / 2 / 3);
        Assert.Equal(Math.Exp(mean - margin), tokens.Interval!.Value.Lower, 1e-6);
        Assert.Equal(Math.Exp(mean + margin), tokens.Interval.Value.Upper, 1e-6);
        Assert.Equal((50, 55.5), (tokens.Before, tokens.Now));
        Assert.Throws<ArgumentOutOfRangeException>(() => BenchComparison.InTurns([(Report([1]), Report([1]))]));
    }

    [Fact]
    public void Measurements_of_the_same_come_together()
    {
        var together = Bench.Together([Report([100, 300], peak: 7).Results[0], Report([200], peak: 9).Results[0]]);
        var figures = Assert.Single(together.Figures);
        Assert.Equal((200.0, 3, 9L), (figures.TokensPerSecond, figures.Rounds.Count, figures.PeakMemoryBytes));
    }

    private static BenchReport Report(double[] tokens, long peak = 1000, BenchOptions? options = null)
    {
        var rounds = tokens.Select(rate => new BenchRound(1e9, 16 / rate, 1, rate, rate / 8, rate / 1e6, null, null, null)).ToList();
        options = (options ?? new BenchOptions()) with { GenerationRows = 0 };
        var figures = Bench.Figures(PrecisionMode.Fp32, 2, rounds, options, peak, null);
        return new BenchReport
        {
            Format = 1, Date = Date, Program = new("1", "b", "/before"), Machine = new("a", 2, 2, 3, "b", "10", "1", Device.CPU.ToString()),
            Results = [new("tiny", options, new BenchWork(1, 1, 0, 1, 6, 0), [figures])],
        };
    }
}
