using System.Diagnostics;
using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>What every measurement of <see cref="BenchGenerate"/> stands on: the rates of the machine, rounds, requests.</summary>
internal sealed class BenchStand : IDisposable
{
    /// <summary>The figure of a round that is the row's rate.</summary>
    internal const string Rate = "rate";

    // Others may use the machine: the fastest of three is nearest to what it can do.
    private const int Tries = 3;

    private readonly Tensor factor;
    private readonly MemorySweep sweep;

    /// <summary>Takes the matrices and the memory that the machine's rates are measured with.</summary>
    internal BenchStand(BenchGenerateOptions options, CancellationToken cancel)
    {
        (Options, Cancel) = (options, cancel);
        Random = new SeededRandom(options.Seed);
        sweep = new MemorySweep((long)options.MemoryMib << 20);
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(options.Seed);
        factor = DisposeScope.Detach(torch.randn([options.GemmSize, options.GemmSize], numbers).to(ScalarType.BFloat16));
    }

    internal BenchGenerateOptions Options { get; }

    internal CancellationToken Cancel { get; }

    /// <summary>The random numbers; every measurement forks its own.</summary>
    internal SeededRandom Random { get; }

    /// <summary>An engine that keeps no beginnings, so that a prompt that comes again is computed again.</summary>
    internal EngineOptions Engine => new() { MaxRows = Options.Rows, PrefixCacheBytes = 0 };

    /// <summary>Measures the machine, something, the machine again, and so on. The rates of a round are the means of those before it and after it: what else runs on the machine changes meanwhile.</summary>
    /// <param name="repeats">Rounds that count.</param>
    /// <param name="warmUp">Whether one round is measured before that does not.</param>
    /// <param name="once">Measures: is given the number of the round, below 0 while warming up, and gives figures by name.</param>
    internal List<BenchGenerateRound> Rounds(int repeats, bool warmUp, Func<int, IReadOnlyDictionary<string, double>> once)
    {
        var rounds = new List<BenchGenerateRound>();
        var before = Machine();
        for (var round = warmUp ? -1 : 0; round < repeats; round++)
        {
            Cancel.ThrowIfCancellationRequested();
            var figures = once(round);
            var after = Machine();
            if (round >= 0) rounds.Add(new BenchGenerateRound((before.Gemm + after.Gemm) / 2, (before.Memory + after.Memory) / 2, figures));
            before = after;
        }

        return rounds;
    }

    /// <summary>Computes requests with a new engine, in bfloat16.</summary>
    /// <returns>What that took without the making of the engine, and what the engine counted.</returns>
    internal (double Seconds, EngineStatistics Statistics) Run(ICausalLanguageModel model, IEnumerable<EngineRequest> requests, EngineOptions options)
    {
        using var narrow = torch.autocast(ScalarType.BFloat16);
        using var engine = new InferenceEngine(model, options);
        var seconds = Seconds(() => _ = engine.Run(requests, cancellation: Cancel).Count());
        return (seconds, engine.Statistics);
    }

    /// <summary>Requests for greedy texts of random prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">How many.</param>
    /// <param name="promptLength">Tokens of a prompt.</param>
    /// <param name="newTokens">Tokens of a text.</param>
    /// <param name="random">Numbers of the prompts.</param>
    internal static List<EngineRequest> Requests(ICausalLanguageModel model, int rows, int promptLength, int newTokens, SeededRandom random)
    {
        var settings = Settings(newTokens);
        return [.. Enumerable.Range(0, rows).Select(_ => new GenerationRequest(Tokens(promptLength, model.VocabularySize, random), settings))];
    }

    /// <summary>Greedy texts of so many tokens.</summary>
    internal static GenerationSettings Settings(int newTokens) => new([], false, new StopCondition([], [], newTokens, _ => ""));

    /// <summary>Random tokens. The models' padding token is 0, and a row has none.</summary>
    internal static int[] Tokens(int length, int vocabulary, SeededRandom random) => [.. Enumerable.Range(0, length).Select(_ => 1 + random.NextInt(vocabulary - 1))];

    internal static double Seconds(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        factor.Dispose();
        sweep.Dispose();
    }

    private (double Gemm, double Memory) Machine() => (Enumerable.Range(0, Tries).Max(_ => Product()), Enumerable.Range(0, Tries).Max(_ => sweep.Rate()));

    private double Product()
    {
        using var scope = torch.NewDisposeScope();
        return 2 * Math.Pow(Options.GemmSize, 3) / Seconds(() => factor.matmul(factor));
    }
}
