using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Runs;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>How two measurements of the same compare.</summary>
/// <param name="Before">The program that is compared with.</param>
/// <param name="Date">When it measured, in UTC.</param>
/// <param name="Turns">How often the two programs were run in turns; 0 where an earlier file is compared with.</param>
/// <param name="Changes">One entry for each figure that both have.</param>
/// <param name="Notes">What could not be compared, and why.</param>
public sealed record BenchComparison(BenchProgram Before, DateTime Date, int Turns, IReadOnlyList<BenchChange> Changes, IReadOnlyList<string> Notes)
{
    private const int Resamples = 2000;

    // A median of one turn, or the figure of one round.
    private static readonly (string Name, Func<BenchFigures, double?> Of, Func<BenchRound, double?>? Each)[] Figures =
    [
        ("tokens/s", figures => figures.TokensPerSecond, round => round.TokensPerSecond),
        ("GEMM operations/s", figures => figures.GemmRate, round => round.GemmRate),
        ("work/GEMM", figures => figures.TrainingShare, round => round.TrainingShare),
        ("by length/equal", figures => figures.EvenRatio, round => round.TokensPerSecond / round.EvenTokensPerSecond),
        ("prompt tokens/s", figures => figures.PromptTokensPerSecond, round => round.PromptTokensPerSecond),
        ("new tokens/s", figures => figures.GeneratedTokensPerSecond, round => round.GeneratedTokensPerSecond),
        ("peak bytes", figures => figures.PeakMemoryBytes, null),
    ];

    /// <summary>Compares with an earlier measurement. An interval is the 95% percentile bootstrap of the ratio of the medians, the rounds of each measurement being drawn anew (2,000 times).</summary>
    /// <remarks>It covers what varied while each was measured. What changed on the machine between the two it cannot know; that takes turns (<see cref="InTurns"/>).</remarks>
    /// <param name="now">What was measured now.</param>
    /// <param name="before">The earlier measurement.</param>
    public static BenchComparison WithEarlier(BenchReport now, BenchReport before)
    {
        ArgumentNullException.ThrowIfNull(now);
        ArgumentNullException.ThrowIfNull(before);
        var notes = new List<string>();
        if (now.Machine with { Dotnet = before.Machine.Dotnet } != before.Machine)
        {
            notes.Add($"The machine was another: {Circumstances(before.Machine)}; now {Circumstances(now.Machine)}.");
        }

        var changes = new List<BenchChange>();
        foreach (var (result, figures) in Each(now.Results))
        {
            var (earlier, same) = Find(before.Results, result, figures, notes);
            if (same is null) continue;
            foreach (var (name, of, each) in Figures.Where(figure => figure.Of(figures) is not null && figure.Of(same) is not null))
            {
                var interval = each is null ? null : Interval([.. figures.Rounds.Select(round => each(round)!.Value)], [.. same.Rounds.Select(round => each(round)!.Value)]);
                changes.Add(Change(result, figures, name, of(same)!.Value, of(figures)!.Value, interval));
            }
        }

        return new BenchComparison(before.Program, before.Date, 0, changes, notes);
    }

    /// <summary>Compares two programs that measured in turns: each turn gives a ratio, and what changed on the machine from turn to turn is in both of its halves.</summary>
    /// <remarks>The ratio is the geometric mean over the turns; its 95% interval is that of the mean of the logarithms by Student's t distribution.</remarks>
    /// <param name="turns">What this program and the other one measured, turn by turn; at least two.</param>
    public static BenchComparison InTurns(IReadOnlyList<(BenchReport Now, BenchReport Before)> turns)
    {
        ArgumentNullException.ThrowIfNull(turns);
        ArgumentOutOfRangeException.ThrowIfLessThan(turns.Count, 2);
        var notes = new List<string>();
        var changes = new List<BenchChange>();
        foreach (var (result, figures) in Each(turns[0].Now.Results))
        {
            foreach (var (name, of, _) in Figures)
            {
                var pairs = new List<(double Now, double Before)>();
                foreach (var (now, before) in turns)
                {
                    var (_, own) = Find(now.Results, result, figures, notes);
                    var (_, other) = Find(before.Results, result, figures, notes);
                    if (own is not null && other is not null && of(own) is { } after && of(other) is { } earlier) pairs.Add((after, earlier));
                }

                if (pairs.Count < 2) continue;
                var logs = pairs.Select(pair => Math.Log(pair.Now / pair.Before)).ToArray();
                var interval = ConfidenceInterval.OfMean(logs);
                changes.Add(Change(result, figures, name, Bench.Median(pairs.Select(pair => pair.Before)), Bench.Median(pairs.Select(pair => pair.Now)), new(Math.Exp(interval.Lower), Math.Exp(interval.Upper))) with
                {
                    Ratio = Math.Exp(logs.Average()),
                    Ratios = [.. pairs.Select(pair => pair.Now / pair.Before)],
                });
            }
        }

        return new BenchComparison(turns[0].Before.Program, turns[0].Before.Date, turns.Count, changes, [.. notes.Distinct()]);
    }

    private static IEnumerable<(BenchResult Result, BenchFigures Figures)> Each(IReadOnlyList<BenchResult> results) =>
        results.SelectMany(result => result.Figures.Select(figures => (result, figures)));

    private static BenchChange Change(BenchResult result, BenchFigures figures, string name, double before, double now, ConfidenceInterval? interval) =>
        new(result.Shape, figures.Precision, figures.Threads, name, before, now, now / before, interval, []);

    /// <summary>The same shape, precision and threads among other results, measured alike; null and a note where it is missing.</summary>
    private static (BenchResult? Result, BenchFigures? Figures) Find(IReadOnlyList<BenchResult> results, BenchResult result, BenchFigures figures, List<string> notes)
    {
        var what = $"{result.Shape ?? "custom"} {ScalarValue.Text(figures.Precision)} with {figures.Threads} threads";
        var same = results.Where(other => other.Shape == result.Shape).ToList();
        foreach (var other in same)
        {
            if (other.Figures.FirstOrDefault(candidate => candidate.Precision == figures.Precision && candidate.Threads == figures.Threads) is not { } found) continue;
            if (Measured(other.Options) == Measured(result.Options)) return (other, found);
            notes.Add($"{what} was measured with other settings there. Measure it again with the same --set.");
            return (null, null);
        }

        notes.Add($"{what} was not measured there.");
        return (null, null);
    }

    // What may differ without the figures being of something else.
    private static string Measured(BenchOptions options) => RunJson.Line(options with { Precisions = [], Threads = [], Repeats = 1, ProfileSteps = 0, Seed = 0 });

    private static string Circumstances(BenchMachine machine) => $"{machine.Processor}, {machine.Cores} cores, {machine.Device}, libtorch {machine.Libtorch}, {machine.OperatingSystem}";

    private static ConfidenceInterval? Interval(double[] now, double[] before)
    {
        if (now.Length < 2 || before.Length < 2) return null;
        var random = new SeededRandom(1);
        var ratios = new double[Resamples];
        for (var i = 0; i < Resamples; i++)
        {
            ratios[i] = Bench.Median(Drawn(now)) / Bench.Median(Drawn(before));
        }

        Array.Sort(ratios);
        return new(ratios[(int)(0.025 * (Resamples - 1))], ratios[(int)(0.975 * (Resamples - 1))]);

        IEnumerable<double> Drawn(double[] values) => [.. values.Select(_ => values[random.NextInt(values.Length)])];
    }
}

/// <summary>A figure before and now.</summary>
/// <param name="Shape">Name of the shape; null where it has none.</param>
/// <param name="Precision">The precision.</param>
/// <param name="Threads">Threads that an operation could use.</param>
/// <param name="Figure">What was measured.</param>
/// <param name="Before">Of the other program or the earlier measurement, a median.</param>
/// <param name="Now">Of this one, a median.</param>
/// <param name="Ratio">Now over before.</param>
/// <param name="Interval">Its 95% interval; null where there is nothing that it could be computed from.</param>
/// <param name="Ratios">The ratio of every turn; empty where there were none.</param>
public sealed record BenchChange(string? Shape, PrecisionMode Precision, int Threads, string Figure, double Before, double Now, double Ratio, ConfidenceInterval? Interval, IReadOnlyList<double> Ratios);
