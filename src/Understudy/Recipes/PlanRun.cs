using System.Diagnostics;
using Understudy.Data;
using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What a stage needs memory for, to work out what less of it would bring.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Section">Its section of the run file, for example <c>teacher.tune</c>; that of an adapter stands above it.</param>
/// <param name="Training">The training that it is; null for none.</param>
/// <param name="Rows">Rows of its largest batch.</param>
/// <param name="Length">Tokens of its longest row.</param>
/// <param name="Shape">The model.</param>
/// <param name="MayAdapt">Whether an adapter could be tuned in place of the weights.</param>
/// <param name="Before">Bytes that are taken beside it.</param>
/// <param name="Peak">The most bytes.</param>
internal sealed record PlanNeed(string Stage, string Section, TrainingOptions? Training, int Rows, int Length, IPlanShape Shape, bool MayAdapt, long Before, long Peak);

/// <summary>A run that is being planned.</summary>
internal sealed class PlanRun(RunOptions options, DataSets data, ClassificationTask task, PlanFinished finished, PlanMeter meter, RunContext context)
{
    // Of a file this large the rest takes as long for each byte.
    private const long WrittenAtMost = 32 << 20;

    private readonly Dictionary<long, double> written = [];

    public RunOptions Options => options;

    public DataSets Data => data;

    public ClassificationTask Task => task;

    public PlanFinished Finished => finished;

    public PlanMeter Meter => meter;

    public RunContext Context => context;

    /// <summary>The stages so far.</summary>
    public List<StagePlan> Stages { get; } = [];

    /// <summary>What they need memory for.</summary>
    public List<PlanNeed> Needs { get; } = [];

    /// <summary>What was taken for things that nobody knows yet.</summary>
    public List<string> Assumptions { get; } = [];

    /// <summary>Seconds to write a file and have the disk take it over.</summary>
    public double WriteSeconds(long bytes)
    {
        var some = Math.Clamp(bytes, 4, WrittenAtMost);
        if (!written.TryGetValue(some, out var seconds))
        {
            using var scope = torch.NewDisposeScope();
            NamedParameter[] weights = [new("weights", torch.zeros([some / 4]))];
            var path = Path.Combine(context.Folder.Path, "written.safetensors");
            var times = new double[3];
            for (var i = 0; i < times.Length; i++)
            {
                var watch = Stopwatch.StartNew();
                TrainingCheckpoint.SaveWeights(path, weights);
                times[i] = watch.Elapsed.TotalSeconds;
            }

            File.Delete(path);
            written[some] = seconds = times.Order().ElementAt(1);
        }

        return seconds * Math.Max(1.0, bytes / (double)WrittenAtMost);
    }

    /// <summary>Adds a training.</summary>
    /// <param name="stage">Name, times, rows; the rest is filled in.</param>
    /// <param name="names">The stages that it stands for.</param>
    /// <param name="section">Its section of the run file.</param>
    /// <param name="shape">The model.</param>
    /// <param name="mayAdapt">Whether an adapter could be tuned instead.</param>
    /// <param name="training">How it is trained.</param>
    /// <param name="lengths">Tokens of every row.</param>
    /// <param name="seed">Seed of their order.</param>
    /// <param name="sample">What was measured of its batches, at <paramref name="sizes"/>.</param>
    /// <param name="sizes">Real tokens of the measured batches.</param>
    /// <param name="apart">Seconds before and after the loop.</param>
    /// <param name="evaluation">Seconds of a look at the validation rows.</param>
    public void Add(StagePlan stage, IReadOnlyList<string> names, string section, IPlanShape shape, bool mayAdapt, TrainingOptions training, IReadOnlyList<int> lengths, long seed, PlanSample sample, IEnumerable<double> sizes, double apart, double evaluation)
    {
        var plan = new BatchPlan(lengths, training, seed);
        var walk = PlanWalk.Of(plan, lengths, training, new BatchTimes(sizes.Zip(sample.Batches)), sample.Step);
        var evaluations = training.EvalEvery is { } every ? Math.Ceiling(walk.Steps / (double)every) : Math.Ceiling(walk.Epochs);
        var saves = training.SaveEvery is { } some ? Math.Floor(walk.Steps / (double)some) : Math.Floor(walk.Epochs);
        var loop = walk.Seconds + (evaluations * (evaluation + (evaluation > 0 && training.KeepBest ? 0.5 * WriteSeconds(4 * shape.Trained) : 0))) + (saves * WriteSeconds(12 * shape.Trained));
        if (training.MaxMinutes is { } minutes)
        {
            loop = Math.Min(loop, 60 * minutes);
        }

        var left = 1 - (names.Select(name => finished.ProgressOf(name)?.Step ?? 0).Max() / (double)Math.Max(1, walk.Steps));
        var seconds = apart + sample.Build + (sample.Beginning / Math.Max(1, stage.Times - stage.Done)) + (loop * left);
        var all = stage.Done == stage.Times;
        Stages.Add(stage with
        {
            Tokens = walk.Tokens, Steps = walk.Steps, Seconds = all ? 0 : seconds, PeakBytes = all ? 0 : sample.Peak,
            DevicePeakBytes = all ? null : sample.DevicePeak, Basis = all ? PlanBasis.None : sample.Basis,
        });
        if (!all)
        {
            Needs.Add(new PlanNeed(stage.Name, section, training, walk.Rows, walk.Length, shape, mayAdapt, sample.DevicePeak is null ? sample.Before : 0, sample.DevicePeak ?? sample.Peak));
        }
    }

    /// <summary>A stage of which nothing is left to do.</summary>
    public void AddDone(string name, int times, long rows, int? steps = null) => Stages.Add(new StagePlan(name, times, times, rows, 0, steps, 0, null, 0, null, PlanBasis.None));
}

/// <summary>The way through a training: its steps, batches and tokens.</summary>
/// <param name="Steps">Optimiser steps.</param>
/// <param name="Epochs">Epochs, also in part.</param>
/// <param name="Seconds">Time of forward and backward passes and of updates.</param>
/// <param name="Tokens">Real tokens, each as often as it is seen.</param>
/// <param name="Rows">Rows of the largest batch.</param>
/// <param name="Length">Tokens of its rows.</param>
internal sealed record PlanWalk(int Steps, double Epochs, double Seconds, long Tokens, int Rows, int Length)
{
    // Epochs differ in the order of their rows alone.
    private const int LookedAt = 3;

    /// <summary>Goes through a training.</summary>
    public static PlanWalk Of(BatchPlan plan, IReadOnlyList<int> lengths, TrainingOptions training, BatchTimes times, double step)
    {
        var steps = plan.TotalSteps();
        double seconds = 0, tokens = 0, epochs = 0;
        int seen = 0, rows = 1, length = 1;
        for (var epoch = 0; epoch < LookedAt && seen < steps; epoch++)
        {
            var all = plan.Epoch(epoch);
            var before = seen;
            foreach (var batches in all.Take(steps - seen))
            {
                seen++;
                seconds += step;
                foreach (var batch in batches)
                {
                    var (longest, own) = (batch.Max(row => lengths[row]), batch.Sum(row => (long)lengths[row]));
                    seconds += times.Seconds(own);
                    tokens += own;
                    if ((long)batch.Length * longest > (long)rows * length) (rows, length) = (batch.Length, longest);
                }
            }

            epochs += (seen - before) / (double)all.Count;
        }

        var share = steps / (double)seen;
        // A limit in minutes decides, whatever the number of steps.
        if (training.MaxMinutes is { } minutes && seconds * share > 60 * minutes) share = 60 * minutes / seconds;
        return new PlanWalk((int)Math.Round(seen * share), epochs * share, seconds * share, (long)(tokens * share), rows, length);
    }
}
