using System.Diagnostics;
using Understudy.Models;
using Understudy.Runs;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What the machine could do when a pre-training had ended, to set its tokens a second beside.</summary>
/// <param name="Fingerprint">Of the pre-training.</param>
/// <param name="OperationsPerToken">Operations that a token cannot do without (<see cref="BenchWork"/>).</param>
/// <param name="GemmRate">Operations a second of a matrix product in the training's precision; the fastest of several.</param>
/// <param name="GemmSize">Rows and columns of its matrices.</param>
internal sealed record PretrainingSpeed(string Fingerprint, double OperationsPerToken, double GemmRate, int GemmSize)
{
    /// <summary>The file that keeps it, in the stage's folder.</summary>
    internal const string FileName = "speed.json";

    // As in 'bench'.
    private const int Size = 2048;

    // Others may use the machine: the fastest is nearest to what it can do.
    private const int Tries = 8;

    /// <summary>What was measured before; null otherwise.</summary>
    internal static PretrainingSpeed? Read(PretrainingFolder pretraining) => pretraining.Cached<PretrainingSpeed>(FileName, figures => figures.Fingerprint);

    /// <summary>The share of the product's rate at which the pre-training did its work.</summary>
    /// <param name="tokensPerSecond">Its tokens a second.</param>
    internal double Share(double tokensPerSecond) => tokensPerSecond * OperationsPerToken / GemmRate;

    /// <summary>Measures it after a finished pre-training of a causal model, where that was not done before.</summary>
    internal static void Measure(RunContext context)
    {
        if (PretrainingFolder.Read(context.Folder.Path) is not { IsCausal: true, Options: { } options, Result: not null } pretraining || Read(pretraining) is not null) return;
        double operations;
        using (var model = AutoModel.LoadCausalLanguageModel(pretraining.Model, new LoadOptions { Device = context.Device }))
        {
            operations = BenchWork.Of(model, model.Parameters).PerToken;
        }

        var rate = GemmRateOf(options.Training.Precision == PrecisionMode.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32, context);
        Storage.Replace(Path.Combine(pretraining.Stage, FileName), RunJson.Text(new PretrainingSpeed(pretraining.Fingerprint, operations, rate, Size)));
    }

    private static double GemmRateOf(ScalarType type, RunContext context)
    {
        using var bar = context.Progress.Start("matrix product", Tries, "products");
        using var scope = torch.NewDisposeScope();
        using var numbers = new Generator(1);
        var factor = torch.randn([Size, Size], numbers).to(type, context.Device);
        var fastest = double.PositiveInfinity;
        for (var i = 0; i < Tries; i++)
        {
            context.Cancel.ThrowIfCancellationRequested();
            using var product = torch.NewDisposeScope();
            var watch = Stopwatch.StartNew();
            // A device is done only when a number of the product is read.
            _ = factor.matmul(factor).select(0, 0).select(0, 0).to(ScalarType.Float32).item<float>();
            fastest = Math.Min(fastest, watch.Elapsed.TotalSeconds);
            bar.Advance(1);
        }

        var rate = 2 * Math.Pow(Size, 3) / fastest;
        bar.Finish(FormattableString.Invariant($"{rate / 1e9:N0} GFLOP/s"));
        return rate;
    }
}
