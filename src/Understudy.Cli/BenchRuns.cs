using System.Globalization;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Cli;

/// <summary>What is measured at once: one shape in one precision.</summary>
/// <param name="Shape">Its name; null for the options alone.</param>
/// <param name="Options">What is measured.</param>
internal sealed record BenchJob(string? Shape, BenchOptions Options)
{
    private const string AllShapes = "all";

    public string Name => $"{Shape ?? "custom"} {ScalarValue.Text(Options.Precisions[0])}";

    /// <summary>The jobs that a command line asks for.</summary>
    /// <param name="given">Names of shapes, <c>all</c> among them; none for what <paramref name="earlier"/> measured, or else the options' defaults.</param>
    /// <param name="overrides">Values of options.</param>
    /// <param name="earlier">What is compared with.</param>
    /// <exception cref="InvalidDataException">There is no such shape.</exception>
    public static List<BenchJob> All(string[] given, List<string> overrides, BenchReport? earlier)
    {
        IEnumerable<string?> names = given.Length > 0 ? given.SelectMany(name => name == AllShapes ? BenchShapes.All.Select(shape => shape.Name) : [BenchShapes.ByName(name).Name])
            : earlier is not null ? earlier.Results.Select(result => result.Shape)
            : [null];
        List<BenchJob> jobs =
        [
            .. names.Distinct().SelectMany(name =>
            {
                var options = RunFile.Parse<BenchOptions>(name is null ? "" : RunFile.ToYaml(BenchShapes.ByName(name).Options), name is null ? "command line" : $"shape {name}", overrides).Options;
                return options.Precisions.Distinct().Select(precision => new BenchJob(name, options with { Precisions = [precision] }));
            }),
        ];
        if (given.Length > 0 || earlier is null)
            return jobs;
        var measured = jobs.FindAll(job => earlier.Results.Any(result => result.Shape == job.Shape && result.Figures.Any(figures => figures.Precision == job.Options.Precisions[0])));
        return measured.Count > 0 ? measured : jobs;
    }
}

/// <summary>Measurements in processes of their own.</summary>
/// <param name="overrides">Values of options.</param>
/// <param name="threads">Threads of each process.</param>
/// <param name="device">Where.</param>
/// <param name="stop">Ends them.</param>
internal sealed class BenchRuns(List<string> overrides, int threads, Device device, CancellationToken stop)
{
    /// <summary>Measures each with this program.</summary>
    public List<BenchResult> Each(List<BenchJob> jobs, IRunProgress progress)
    {
        var results = new List<BenchResult>();
        using var bar = progress.Start("bench", jobs.Count, "measurements");
        foreach (var job in jobs)
        {
            results.AddRange(Measure(BenchProcess.ThisProgram, job).Results);
            bar.Advance(1, detail: job.Name);
        }
        bar.Finish();
        return results;
    }

    /// <summary>Measures each with this program and another one in turns.</summary>
    public (IReadOnlyList<BenchResult> Results, BenchComparison? Comparison) InTurns(List<BenchJob> jobs, string other, int turns, IRunProgress progress)
    {
        var results = new List<BenchResult>();
        var comparisons = new List<BenchComparison>();
        using var bar = progress.Start("bench", 2L * turns * jobs.Count, "measurements");
        foreach (var job in jobs)
        {
            var pairs = new List<(BenchReport Now, BenchReport Before)>();
            for (var turn = 0; turn < turns; turn++)
            {
                var now = Measure(BenchProcess.ThisProgram, job);
                bar.Advance(1, detail: job.Name);
                pairs.Add((now, Measure(other, job)));
                bar.Advance(1, detail: $"{job.Name}, the other program");
            }
            results.Add(Bench.Together([.. pairs.SelectMany(pair => pair.Now.Results)]));
            comparisons.Add(BenchComparison.InTurns(pairs));
        }
        bar.Finish();
        return (results, comparisons[0] with { Changes = [.. comparisons.SelectMany(one => one.Changes)], Notes = [.. comparisons.SelectMany(one => one.Notes).Distinct()] });
    }

    private BenchReport Measure(string program, BenchJob job)
    {
        IEnumerable<string> shape = job.Shape is null ? [] : ["--shape", job.Shape];
        var sets = overrides.Append($"precisions=[{ScalarValue.Text(job.Options.Precisions[0])}]").SelectMany(one => (string[])["--set", one]);
        return BenchProcess.Run(program, [.. shape, .. sets, "--threads", threads.ToString(CultureInfo.InvariantCulture), "--device", device.ToString()], stop);
    }
}
