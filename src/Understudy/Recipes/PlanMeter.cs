using System.Diagnostics;
using Understudy.Models;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>Work on batches that can be repeated.</summary>
internal interface IPlanWork<in TBatch> : IDisposable
{
    /// <summary>Does a batch.</summary>
    /// <returns>Seconds of the batch, and of what comes once a step.</returns>
    (double Batch, double Step) Do(TBatch batch);
}

/// <summary>What was measured of some work.</summary>
/// <param name="Batches">Seconds of each batch.</param>
/// <param name="Step">Seconds of what comes once a step.</param>
/// <param name="Before">Bytes that the process had before.</param>
/// <param name="Peak">The most bytes that it had.</param>
/// <param name="DevicePeak">The most bytes of the GPU; null on the CPU.</param>
/// <param name="Build">Seconds in which the model was made.</param>
/// <param name="Beginning">Seconds that the first batches took beyond the later ones: the program is compiled as it goes.</param>
/// <param name="Basis">How the figures came about.</param>
internal sealed record PlanSample(double[] Batches, double Step, long Before, long Peak, long? DevicePeak, double Build, double Beginning, PlanBasis Basis);

/// <summary>How a plan's figures came about.</summary>
public enum PlanBasis
{
    /// <summary>Nothing had to be measured.</summary>
    None,

    /// <summary>Measured with the whole model.</summary>
    Measured,

    /// <summary>Measured with a few of the model's blocks, and reckoned for all of them.</summary>
    FewerBlocks,

    /// <summary>Reckoned from sizes alone, since even a few blocks do not fit or would take too long.</summary>
    Reckoned,
}

/// <summary>Measures pieces of work within a limit of time and memory.</summary>
internal sealed class PlanMeter(Device device, MachineMemory memory, double seconds, IStageProgress bar, CancellationToken cancel)
{
    private const double LongWarmUp = 0.4, LongShape = 1.5;
    private const int MostRepeats = 60, FewestRepeats = 3;

    // What .NET's heap grows by over a long stage and not in a few steps: 40 to 90 MiB in runs of the demo.
    private const long Growth = 48 << 20;

    // What a training reaches of the rate of a large matrix product; only to choose how much to measure.
    private const double UsualShare = 0.35;

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly Dictionary<bool, double> rates = [];
    private readonly long? deviceFree = device.type == DeviceType.CPU ? null : torch.cuda.mem_get_info(device)?.Free;

    /// <summary>Pieces of work that are still to come, to share the time that is left.</summary>
    public int Pieces { get; set; }

    /// <summary>Seconds since the beginning.</summary>
    public double Elapsed => watch.Elapsed.TotalSeconds;

    /// <summary>Operations a second of a matrix product of 1,024 x 1,024.</summary>
    public double GemmRate(bool narrow)
    {
        if (!rates.TryGetValue(narrow, out var rate))
        {
            using var scope = torch.NewDisposeScope();
            var factor = torch.ones([1024, 1024]).to(narrow ? ScalarType.BFloat16 : ScalarType.Float32, device);
            var best = double.PositiveInfinity;
            for (var i = 0; i < 6; i++)
            {
                var one = Stopwatch.StartNew();
                _ = factor.matmul(factor).select(0, 0).select(0, 0).to(ScalarType.Float32).item<float>();
                best = Math.Min(best, one.Elapsed.TotalSeconds);
            }

            rates[narrow] = rate = 2 * Math.Pow(1024, 3) / best;
        }

        return rate;
    }

    /// <summary>Measures some work of a model.</summary>
    /// <param name="name">What it is, for the reader.</param>
    /// <param name="shape">The model.</param>
    /// <param name="trains">Whether the model is trained.</param>
    /// <param name="narrow">Whether products are in 16 bits.</param>
    /// <param name="batches">What to measure, the largest last.</param>
    /// <param name="tokens">Tokens of a batch that are computed.</param>
    /// <param name="activations">Bytes that the largest batch keeps, as far as a formula tells.</param>
    /// <param name="begin">Makes the work.</param>
    public PlanSample Measure<TModel, TBatch>(string name, PlanShape<TModel> shape, bool trains, bool narrow, IReadOnlyList<TBatch> batches, Func<TBatch, double> tokens, double activations, Func<PlanModel<TModel>, IPlanWork<TBatch>> begin)
        where TModel : class, IPretrainedModel
    {
        bar.Advance(0, detail: name);
        var share = Math.Max(0.5, (seconds - Elapsed) / Math.Max(1, Pieces--));
        var operations = trains ? shape.Lora is null ? 6.0 : 4.0 : 2.0;
        var batchSeconds = batches.Select(batch => operations * shape.Parameters * tokens(batch) / (UsualShare * GemmRate(narrow))).ToArray();
        // Two steps of every batch, and as much again for making the model.
        var whole = (3 * batchSeconds.Sum()) + (shape.Parameters * 4e-9);
        var held = shape.WeightBytes + (trains ? 12.0 * shape.Trained : 0);
        var free = Math.Min(memory.Free, deviceFree ?? long.MaxValue);
        var perLayer = 1.0 / Math.Max(1, shape.Layers);
        var few = Math.Clamp((int)(shape.Layers * Math.Min(share / whole, 0.5 * free / (held + activations)) / 2), 1, 4);
        if (shape.Layers <= 3 || (whole <= share && held + activations <= 0.6 * free))
        {
            return held + activations <= 0.85 * free ? Once(shape, null, batches, share, begin) : Reckon(shape, batches, batchSeconds, held, activations, trains);
        }

        // Embeddings and the output stay whole, whatever the number of blocks.
        var least = ((held + activations) * perLayer * 2 * few) + (held * (1 - ((double)shape.Matrices / shape.Parameters)));
        if (least > 0.85 * free || batchSeconds[^1] * perLayer * 2 * few > 4 * share)
        {
            return Reckon(shape, batches, batchSeconds, held, activations, trains);
        }

        // What the program itself takes when it does something for the first time would count for every block.
        var beginning = Once(shape, few, [batches[0]], share / 8, begin).Beginning;
        var first = Once(shape, few, batches, share / 3, begin);
        var second = Once(shape, 2 * few, batches, share / 2, begin);
        double All(double one, double two, double sides) => Math.Max(two, one + ((two - one) * ((shape.Layers / sides) - few) / few));
        // An encoder-decoder has as many blocks in each part as were asked for.
        var sides = shape.Sizes.DecoderLayers is null ? 1 : 2;
        return new PlanSample(
            [.. first.Batches.Zip(second.Batches, (one, two) => All(one, two, sides))],
            All(first.Step, second.Step, sides),
            first.Before,
            // What the weights, their gradients and averages take is known.
            first.Before + (long)Math.Max(held, All(first.Peak - first.Before, second.Peak - second.Before, sides)),
            first.DevicePeak is { } one && second.DevicePeak is { } two ? (long)All(one, two, sides) : null,
            All(first.Build, second.Build, sides),
            beginning,
            PlanBasis.FewerBlocks);
    }

    /// <summary>Bytes that the process and the GPU have at most while something is done.</summary>
    public (long Before, long Peak, long? DevicePeak) Watch(Action work)
    {
        // As a run does before a stage; what was needed to prepare it is collected when .NET sees fit, there as here.
        torch.empty_cache();
        var before = MachineMemory.Resident;
        _ = MachineMemory.ForgetPeak();
        work();
        // A GPU's memory stays with libtorch after the tensors are gone.
        long? onDevice = deviceFree is { } free && torch.cuda.mem_get_info(device) is { } now ? Math.Max(0, free - now.Free) : null;
        return (before, MachineMemory.Peak, onDevice);
    }

    private PlanSample Once<TModel, TBatch>(PlanShape<TModel> shape, int? layers, IReadOnlyList<TBatch> batches, double share, Func<PlanModel<TModel>, IPlanWork<TBatch>> begin)
        where TModel : class, IPretrainedModel
    {
        var (times, steps, build, beginning) = (new double[batches.Count], new List<double>(), 0.0, 0.0);
        var (before, peak, onDevice) = Watch(() =>
        {
            var making = Stopwatch.StartNew();
            using var model = shape.Make(layers);
            build = making.Elapsed.TotalSeconds;
            using var work = begin(model);
            var (warmUps, warmUp) = WarmUp(work, batches[0], share / 5);
            for (var i = 0; i < batches.Count; i++)
            {
                var (one, step) = Repeated(work, batches[i], Math.Min(LongShape, 0.8 * share / batches.Count));
                times[i] = one;
                steps.Add(step);
            }

            bar.Advance(batches.Count);
            beginning = Math.Max(0, warmUp - (warmUps * (times[0] + steps[0])));
        });
        return new PlanSample(times, Bench.Median(steps), before, peak + (layers is null ? Growth : 0), onDevice, build, beginning, PlanBasis.Measured);
    }

    private (int Count, double Seconds) WarmUp<TBatch>(IPlanWork<TBatch> work, TBatch batch, double most)
    {
        var (count, begun) = (0, watch.Elapsed.TotalSeconds);
        do
        {
            cancel.ThrowIfCancellationRequested();
            _ = work.Do(batch);
            count++;
        }
        while (watch.Elapsed.TotalSeconds - begun < Math.Min(LongWarmUp, most));
        return (count, watch.Elapsed.TotalSeconds - begun);
    }

    private (double Batch, double Step) Repeated<TBatch>(IPlanWork<TBatch> work, TBatch batch, double most)
    {
        List<double> own = [], steps = [];
        var begun = watch.Elapsed.TotalSeconds;
        while (own.Count == 0 || (own.Count < MostRepeats && (watch.Elapsed.TotalSeconds - begun) * (own.Count + 1) / own.Count < (own.Count < FewestRepeats ? 2 * most : most)))
        {
            cancel.ThrowIfCancellationRequested();
            var (one, step) = work.Do(batch);
            own.Add(one);
            steps.Add(step);
        }

        // The first of a size takes memory that the later ones find.
        return (Bench.Median(own.Count > 2 ? own[1..] : own), Bench.Median(steps));
    }

    private PlanSample Reckon<TModel, TBatch>(PlanShape<TModel> shape, IReadOnlyList<TBatch> batches, double[] batchSeconds, double held, double activations, bool trains)
        where TModel : class, IPretrainedModel
    {
        bar.Advance(batches.Count);
        var before = MachineMemory.Resident;
        var bytes = (long)(held + activations);
        // An optimiser reads and writes 28 bytes for each weight, at some 10 GB a second.
        var step = trains ? 28.0 * shape.Trained / 1e10 : 0;
        return new PlanSample(batchSeconds, step, before, before + (deviceFree is null ? bytes : 0), deviceFree is null ? null : bytes, shape.WeightBytes / 1e9, 0, PlanBasis.Reckoned);
    }
}
