using System.Diagnostics;
using Understudy.Data;
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
    // A product takes a few hundredths of a second; several together are long enough to be timed.
    private const int ProductsPerRound = 3;

    // The first rounds take memory from the system and choose kernels.
    private const int WarmUpRounds = 2;

    /// <summary>Measures every precision.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="device">Where.</param>
    /// <param name="progress">Told of every round.</param>
    /// <param name="cancel">Checked before every round.</param>
    public static BenchResult Run(BenchOptions options, Device device, IRunProgress progress, CancellationToken cancel = default)
    {
        var config = Config(options);
        IParameterSource source = new RandomParameters(options.Seed, config.InitializerRange, device);
        if (options.Lora is { } adapter)
        {
            source = new Held(source, adapter);
        }

        using var model = new GptNeoxForCausalLM(config, source, device);
        using var lora = options.Lora is null ? null : new LoraModel(model);
        var trained = lora?.Add(options.Lora!.ToConfig("CAUSAL_LM", ""), options.Seed).Parameters ?? model.Parameters;
        model.GradientCheckpointing = options.GradientCheckpointing;
        var all = model.Parameters.Sum(parameter => parameter.Value.numel());
        var counted = all - (config.TieWordEmbeddings ? 0 : (long)config.VocabSize * config.HiddenSize);
        var figures = new List<BenchFigures>();
        foreach (var precision in options.Precisions)
        {
            using var bar = progress.Start($"bench {precision.ToString().ToLowerInvariant()}", WarmUpRounds + options.Repeats, "rounds");
            figures.Add(Measure(model, trained, counted, precision, options, device, bar, cancel));
            bar.Finish();
        }

        using var process = Process.GetCurrentProcess();
        return new BenchResult(all, counted, trained.Sum(parameter => parameter.Value.numel()), torch.get_num_threads(), process.PeakWorkingSet64, figures);
    }

    private static GptNeoxConfig Config(BenchOptions options) => new()
    {
        VocabSize = options.VocabSize,
        HiddenSize = options.Architecture.HiddenSize,
        NumHiddenLayers = options.Architecture.NumHiddenLayers,
        NumAttentionHeads = options.Architecture.NumAttentionHeads,
        IntermediateSize = options.Architecture.IntermediateSize ?? 4 * options.Architecture.HiddenSize,
        MaxPositionEmbeddings = options.Architecture.MaxPositionEmbeddings,
        TieWordEmbeddings = options.Architecture.TieWordEmbeddings,
        HiddenDropout = options.Architecture.Dropout,
        AttentionDropout = options.Architecture.Dropout,
    };

    private static BenchFigures Measure(GptNeoxForCausalLM model, IReadOnlyList<NamedParameter> trained, long counted, PrecisionMode precision, BenchOptions options, Device device, IStageProgress bar, CancellationToken cancel)
    {
        using var scope = torch.NewDisposeScope();
        using var optimizer = new AdamW(trained, weightDecay: 0.1);
        var random = new SeededRandom(options.Seed);
        var type = precision == PrecisionMode.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
        using var numbers = new Generator(options.Seed);
        var factor = torch.randn([options.GemmSize, options.GemmSize], numbers).to(type, device);
        // A weight that is not trained needs no gradient of its own.
        var ownWork = options.Lora is null ? 0 : 6.0 * trained.Sum(parameter => parameter.Value.numel());
        var work = ((options.Lora is null ? 6.0 : 4.0) * counted + ownWork) * options.BatchSize * options.RowLength;
        var rounds = new List<Round>();
        for (var round = 0; round < WarmUpRounds + options.Repeats; round++)
        {
            cancel.ThrowIfCancellationRequested();
            var product = Seconds(() => Multiply(factor)) / ProductsPerRound;
            var step = Seconds(() => TrainingStep(model, optimizer, Tokens(options.BatchSize, options.RowLength, options, random), precision, device));
            var (prompt, tokens) = options.GenerationRows > 0 ? Generation(model, precision, options, random, device, cancel) : (double.NaN, double.NaN);
            bar.Advance(1);
            if (round >= WarmUpRounds)
            {
                rounds.Add(new Round(2 * Math.Pow(options.GemmSize, 3) / product, step, prompt, tokens));
            }
        }

        var stepSeconds = Median(rounds.Select(round => round.Step));
        return new BenchFigures(
            precision,
            Median(rounds.Select(round => round.GemmRate)),
            stepSeconds,
            options.BatchSize * options.RowLength / stepSeconds,
            Median(rounds.Select(round => work / round.Step / round.GemmRate)),
            options.GenerationRows > 0 ? Median(rounds.Select(round => round.PromptRate)) : null,
            options.GenerationRows > 0 ? Median(rounds.Select(round => round.TokenRate)) : null);
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

    private static void TrainingStep(GptNeoxForCausalLM model, AdamW optimizer, Tensor tokens, PrecisionMode precision, Device device)
    {
        using var scope = torch.NewDisposeScope();
        model.Training = true;
        var ids = tokens.to(device);
        Tensor loss;
        using (Precision.Autocast(precision, device))
        {
            loss = Losses.NextTokenSum(model.Logits(model.Hidden(ids)), ids) / Losses.NextTokenWeight(ids);
        }

        loss.backward();
        optimizer.Step(1e-4, AdamW.ClipScale(optimizer.GradNorm(), 1));
        optimizer.ZeroGrad();
        model.Training = false;
    }

    /// <summary>Tokens a second, of the prompts and after them.</summary>
    private static (double Prompt, double New) Generation(GptNeoxForCausalLM model, PrecisionMode precision, BenchOptions options, SeededRandom random, Device device, CancellationToken cancel)
    {
        var prompts = Enumerable.Range(0, options.GenerationRows)
            .Select(_ => new GenerationPrompt([.. Enumerable.Range(0, options.PromptLength).Select(_ => random.NextInt(options.VocabSize))]))
            .ToList();
        double Generate(int newTokens)
        {
            var generator = new TextGenerator(model, [], doSample: false, new StopCondition([], [], newTokens, _ => ""));
            return Seconds(() =>
            {
                using var autocast = Precision.Autocast(precision, device);
                _ = generator.Generate(prompts, options.GenerationRows, cancel).Count();
            });
        }

        var first = Generate(1);
        var all = Generate(options.NewTokens);
        // Noise may make the longer run the shorter one at toy sizes; a rate is never negative.
        var rest = Math.Max(all - first, 1e-9);
        return (options.GenerationRows * options.PromptLength / first, options.GenerationRows * (options.NewTokens - 1) / rest);
    }

    private static Tensor Tokens(int rows, int length, BenchOptions options, SeededRandom random) =>
        torch.tensor(Enumerable.Range(0, rows * length).Select(_ => (long)random.NextInt(options.VocabSize)).ToArray(), rows, length);

    private static double Seconds(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }

    private static double Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToArray();
        return (ordered[(ordered.Length - 1) / 2] + ordered[ordered.Length / 2]) / 2;
    }

    /// <summary>Weights as an adapter's base holds them, one after the other.</summary>
    private sealed class Held(IParameterSource inner, LoraOptions options) : IParameterSource
    {
        public Tensor Take(string name, ParameterInit init, params ReadOnlySpan<long> shape)
        {
            using var wide = inner.Take(name, init, shape);
            return DisposeScope.Detach(wide.detach().to(options.BaseDtype.ToScalarType()));
        }

        public ILinearWeight TakeLinear(string name, long inFeatures, long outFeatures, LinearLayout layout, bool quantizable)
        {
            if (!quantizable || options.BaseQuantization == WeightQuantization.None) return new DenseWeight(name, Take(name, ParameterInit.Normal, outFeatures, inFeatures));
            using var wide = Take(name, ParameterInit.Normal, outFeatures, inFeatures);
            return options.BaseQuantization == WeightQuantization.Nf4 ? Nf4Weight.Quantize(name, wide) : Int8Weight.Quantize(name, wide);
        }
    }

    private readonly record struct Round(double GemmRate, double Step, double PromptRate, double TokenRate);
}
