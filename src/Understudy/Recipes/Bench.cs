using System.Diagnostics;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Runs;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Measures training and generation against the rate of a plain matrix product, the bound that no model can pass.</summary>
/// <remarks>Machines are shared and their clocks change: products and steps are measured in turns, and shares compare neighbours.</remarks>
public static class Bench
{
    // A product takes a few hundredths of a second; several together are long enough to be timed. So are steps.
    private const int ProductsPerRound = 3;
    private const double SecondsOfSteps = 0.25;
    private const int MostStepsPerRound = 20;

    // The first rounds take memory from the system and choose kernels.
    private const int WarmUpRounds = 2;

    /// <summary>Measures every precision.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="device">Where.</param>
    /// <param name="progress">Told of every round.</param>
    /// <param name="shape">Name of the shape, for the result.</param>
    /// <param name="cancel">Checked before every round.</param>
    /// <exception cref="InvalidDataException">The operations are to be measured one by one, and the device is not the processor.</exception>
    public static BenchResult Run(BenchOptions options, Device device, IRunProgress progress, string? shape = null, CancellationToken cancel = default)
    {
        if (options.ProfileSteps > 0 && device.type != DeviceType.CPU)
        {
            throw new InvalidDataException($"Operations are measured one by one on the processor alone, and the device is {device}: what an accelerator does, it does later than it is told to. Leave out --profile, or measure with --device cpu.");
        }

        using var model = new BenchModel(options, device);
        var work = BenchWork.Of(model.Model, model.Trained);
        var figures = new List<BenchFigures>();
        var threadsBefore = torch.get_num_threads();
        IReadOnlyList<int> threads = options.Threads.Count > 0 ? options.Threads : [threadsBefore];
        try
        {
            foreach (var precision in options.Precisions)
            {
                using var bar = progress.Start($"bench {shape}{(shape is null ? "" : " ")}{ScalarValue.Text(precision)}", WarmUpRounds + options.Repeats, "rounds");
                figures.AddRange(Measure(model, work, threads, precision, bar, cancel));
                bar.Finish();
            }
        }
        finally
        {
            torch.set_num_threads(threadsBefore);
        }

        return new BenchResult(shape, options, work, figures);
    }

    private static List<BenchFigures> Measure(BenchModel model, BenchWork work, IReadOnlyList<int> threads, PrecisionMode precision, IStageProgress bar, CancellationToken cancel)
    {
        using var scope = torch.NewDisposeScope();
        var options = model.Options;
        using var session = model.Begin(precision);
        var rows = new BenchRows(options);
        var type = precision == PrecisionMode.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
        using var numbers = new Generator(options.Seed);
        var factor = torch.randn([options.GemmSize, options.GemmSize], numbers).to(type, model.Device);
        var rounds = threads.Select(_ => new List<BenchRound>()).ToArray();
        var steps = 1;
        for (var round = -WarmUpRounds; round < options.Repeats; round++)
        {
            for (var i = 0; i < threads.Count; i++)
            {
                cancel.ThrowIfCancellationRequested();
                torch.set_num_threads(threads[i]);
                var gemm = 2 * Math.Pow(options.GemmSize, 3) * ProductsPerRound / Seconds(() => Multiply(factor));
                var measured = Training(model, session, work, rows, Math.Max(round, 0), steps, gemm);
                if (options.GenerationRows > 0) measured = Generation(model, rows, precision, measured, cancel);
                if (round >= 0) rounds[i].Add(measured);
                else steps = Math.Clamp((int)Math.Ceiling(SecondsOfSteps / measured.StepSeconds), 1, MostStepsPerRound);
            }

            bar.Advance(1);
        }

        var figures = new List<BenchFigures>();
        for (var i = 0; i < threads.Count; i++)
        {
            torch.set_num_threads(threads[i]);
            var profile = options.ProfileSteps > 0 ? Profile(model, session, rows) : null;
            using var process = Process.GetCurrentProcess();
            figures.Add(Figures(precision, threads[i], rounds[i], options, process.PeakWorkingSet64, profile));
        }

        model.Model.Training = false;
        return figures;
    }

    internal static BenchFigures Figures(PrecisionMode precision, int threads, IReadOnlyList<BenchRound> rounds, BenchOptions options, long peakMemoryBytes, BenchProfile? profile)
    {
        double Of(Func<BenchRound, double> figure) => Median(rounds.Select(figure));
        var generates = options.GenerationRows > 0;
        return new BenchFigures(
            precision, threads,
            Of(round => round.GemmRate),
            Of(round => round.StepSeconds),
            Of(round => round.TokensPerSecond),
            options.Architecture.Family == BenchFamily.GptNeox ? null : Of(round => round.RowsPerSecond),
            Of(round => round.TrainingShare),
            options.ShortestRow is null ? null : Of(round => round.TokensPerSecond / round.EvenTokensPerSecond!.Value),
            generates ? Of(round => round.PromptTokensPerSecond!.Value) : null,
            generates ? Of(round => round.GeneratedTokensPerSecond!.Value) : null,
            peakMemoryBytes, rounds, profile);
    }

    /// <summary>Several measurements of the same as one: all their rounds, the largest of their memories, the first of their profiles.</summary>
    internal static BenchResult Together(IReadOnlyList<BenchResult> results) => results[0] with
    {
        Figures =
        [
            .. results.SelectMany(result => result.Figures).GroupBy(figures => (figures.Precision, figures.Threads)).Select(group => Figures(
                group.Key.Precision, group.Key.Threads, [.. group.SelectMany(figures => figures.Rounds)], results[0].Options,
                group.Max(figures => figures.PeakMemoryBytes), group.Select(figures => figures.Profile).FirstOrDefault(profile => profile is not null))),
        ],
    };

    private static BenchRound Training(BenchModel model, TrainingSession session, BenchWork work, BenchRows rows, int round, int steps, double gemm)
    {
        var uneven = model.Options.ShortestRow is not null;
        var (batches, even) = uneven ? rows.Uneven(round) : ([.. Enumerable.Range(0, steps).Select(_ => rows.Equal())], []);
        double seconds = 0, evenSeconds = 0;
        for (var i = 0; i < batches.Count; i++)
        {
            seconds += Seconds(() => model.Step(session, batches[i]));
            if (uneven) evenSeconds += Seconds(() => model.Step(session, even[i]));
        }

        double tokens = batches.Sum(batch => batch.Tokens), targets = batches.Sum(batch => batch.TargetTokens);
        return new BenchRound(
            gemm, seconds / batches.Count, batches.Count, (tokens + targets) / seconds, batches.Sum(batch => batch.Rows.Count) / seconds,
            work.Operations(tokens, targets) / seconds / gemm, uneven ? even.Sum(batch => batch.Tokens) / evenSeconds : null, null, null);
    }

    private static BenchProfile Profile(BenchModel model, TrainingSession session, BenchRows rows)
    {
        var steps = model.Options.ProfileSteps;
        var batches = Enumerable.Range(0, steps).SelectMany(step => model.Options.ShortestRow is null ? [rows.Equal()] : rows.Uneven(step).ByLength).Take(steps).ToList();
        using var profile = OperationProfile.Start();
        foreach (var batch in batches)
        {
            using (OperationProfile.Range("outside of operations"))
            {
                model.Step(session, batch);
            }
        }

        var operations = profile.Stop();
        return new BenchProfile(steps, operations.Sum(operation => operation.Seconds), operations);
    }

    private static void Multiply(Tensor factor)
    {
        for (var i = 0; i < ProductsPerRound; i++)
        {
            using var scope = torch.NewDisposeScope();
            var product = factor.matmul(factor);
            // Reading an element waits for a GPU.
            _ = product.select(0, 0).select(0, 0).item<float>();
        }
    }

    /// <summary>Adds tokens a second, of the prompts and after them.</summary>
    private static BenchRound Generation(BenchModel bench, BenchRows rows, PrecisionMode precision, BenchRound measured, CancellationToken cancel)
    {
        var (options, model) = (bench.Options, (ICausalLanguageModel)bench.Model);
        model.Training = false;
        var prompts = rows.Prompts().Select(row => new GenerationPrompt(row)).ToList();
        double Generate(int newTokens)
        {
            var generator = new TextGenerator(model, [], doSample: false, new StopCondition([], [], newTokens, _ => ""));
            return Seconds(() =>
            {
                using var autocast = Precision.Autocast(precision, bench.Device);
                _ = generator.Generate(prompts, options.GenerationRows, cancel).Count();
            });
        }

        var first = Generate(1);
        var all = Generate(options.NewTokens);
        // Noise may make the longer run the shorter one at toy sizes; a rate is never negative.
        var rest = Math.Max(all - first, 1e-9);
        return measured with { PromptTokensPerSecond = options.GenerationRows * options.PromptLength / first, GeneratedTokensPerSecond = options.GenerationRows * (options.NewTokens - 1) / rest };
    }

    private static double Seconds(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }

    internal static double Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToArray();
        return (ordered[(ordered.Length - 1) / 2] + ordered[ordered.Length / 2]) / 2;
    }
}
