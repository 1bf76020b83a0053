using System.Diagnostics;
using Understudy.Data;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Training;

/// <summary>What one optimiser step did.</summary>
/// <param name="Step">Number of the step, from 1.</param>
/// <param name="LearningRate">Learning rate used.</param>
/// <param name="GradNorm">2-norm of the gradients before clipping.</param>
public readonly record struct StepResult(int Step, double LearningRate, double GradNorm);

/// <summary>The parts of a training loop that every recipe shares: optimiser, schedule, clipping, checkpoints, the best model. The loop itself is the recipe's.</summary>
/// <remarks>
/// A step depends on the weights, the optimiser state and <see cref="Progress"/> alone: dropout is seeded by the step's number, not carried
/// over in a generator. So a training that continues from a checkpoint takes exactly the steps that an undisturbed one takes.
/// </remarks>
public sealed class TrainingSession : IDisposable
{
    // With a limit in minutes the schedule falls with the time; it is read off a scale of this many steps.
    private const int TimedScale = 100_000;

    private readonly IPretrainedModel model;
    private readonly IReadOnlyList<NamedParameter> trained;
    private readonly TrainingOptions options;
    private readonly IOptimizer optimizer;
    private readonly LearningRateSchedule schedule;
    private readonly SeededRandom random;
    private readonly string? checkpointPath;
    private readonly string? bestPath;
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly double secondsBefore;
    private double savedAtMinutes;
    private readonly Device device;

    /// <summary>Starts a training, or continues it from its checkpoint.</summary>
    /// <param name="model">Trained in place.</param>
    /// <param name="options">How.</param>
    /// <param name="totalSteps">Steps of the whole training: see <see cref="BatchPlan.TotalSteps"/>.</param>
    /// <param name="seed">Seed of dropout.</param>
    /// <param name="folder">Where <c>checkpoint.safetensors</c> and <c>best.safetensors</c> are kept; null keeps none.</param>
    /// <param name="trained">The weights that are trained, and all that checkpoints hold: those of an adapter. Null for the model's own.</param>
    /// <exception cref="InvalidDataException">The model's own weights are to be trained and it is quantised, or the checkpoint is damaged or belongs to another model.</exception>
    public TrainingSession(IPretrainedModel model, TrainingOptions options, int totalSteps, long seed, string? folder, IReadOnlyList<NamedParameter>? trained = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        if (trained is null) ModelQuantization.RefuseTraining(model);
        this.model = model;
        this.trained = trained ?? model.Parameters;
        this.options = options;
        TotalSteps = totalSteps;
        random = new SeededRandom(seed).Fork("dropout");
        optimizer = options.Optimizer == OptimizerType.Muon
            ? Muon.For(model, this.trained, AdamWOver, options.WeightDecay, options.MuonMomentum)
            : AdamWOver(this.trained);
        schedule = LearningRateSchedule.From(options, options.MaxMinutes is null ? totalSteps : TimedScale);
        device = model.Parameters[0].Value.device;
        model.Dropout = options.Dropout;
        model.GradientCheckpointing = options.GradientCheckpointing;
        if (folder is not null)
        {
            Directory.CreateDirectory(folder);
            checkpointPath = Path.Combine(folder, TrainingCheckpoint.CheckpointName);
            bestPath = Path.Combine(folder, TrainingCheckpoint.BestName);
            Progress = TrainingCheckpoint.Load(checkpointPath, this.trained, optimizer) ?? Progress;
        }

        Resumed = Progress.Step > 0;
        secondsBefore = Progress.Seconds;
    }

    private AdamW AdamWOver(IReadOnlyList<NamedParameter> parameters) =>
        new(parameters, options.WeightDecay, options.DecayBiasAndNorm ? _ => true : null, options.AdamBeta1, options.AdamBeta2, options.AdamEpsilon);

    /// <summary>Where the training stands.</summary>
    public TrainingProgress Progress { get; private set; } = new();

    /// <summary>Steps of the whole training, when no time limit ends it sooner.</summary>
    public int TotalSteps { get; }

    /// <summary>Whether the training continues from a checkpoint.</summary>
    public bool Resumed { get; }

    /// <summary>Whether all steps are taken, the time is used up, or early stopping ended it.</summary>
    public bool Finished =>
        Progress.Step >= TotalSteps ||
        (options.MaxMinutes is { } minutes && Seconds >= minutes * 60) ||
        (options.EarlyStoppingPatience is { } patience && Progress.EvaluationsSinceBest >= patience);

    private double Seconds => secondsBefore + watch.Elapsed.TotalSeconds;

    /// <summary>Begins a step: dropout on, its seed set.</summary>
    public void BeginStep()
    {
        model.Training = true;
        torch.manual_seed((long)random.Fork("step", Progress.Step).NextUInt64());
    }

    /// <summary>The autocast that the options ask for, around the forward pass; null for float32.</summary>
    public Autocast? Autocast() => Precision.Autocast(options.Precision, device);

    /// <summary>Ends a step whose gradients are complete: checks, clips, updates, forgets them.</summary>
    /// <param name="loss">Loss of the whole batch.</param>
    /// <param name="tokens">Real tokens in the batch.</param>
    /// <param name="stepsInEpoch">Steps of this epoch, to know where the next begins.</param>
    /// <exception cref="TrainingDivergedException">The loss or the gradient is not finite.</exception>
    public StepResult EndStep(double loss, long tokens, int stepsInEpoch)
    {
        var at = options.MaxMinutes is { } minutes ? Math.Min(1, Seconds / (minutes * 60)) * TimedScale : Progress.Step;
        var learningRate = schedule.At(at);
        if (!double.IsFinite(loss))
        {
            throw new TrainingDivergedException("loss", loss, Progress.Step + 1, learningRate);
        }

        var norm = optimizer.GradNorm();
        if (!double.IsFinite(norm))
        {
            throw new TrainingDivergedException("gradient norm", norm, Progress.Step + 1, learningRate);
        }

        optimizer.Step(learningRate, AdamW.ClipScale(norm, options.MaxGradNorm));
        optimizer.ZeroGrad();
        var endsEpoch = Progress.StepInEpoch + 1 >= stepsInEpoch;
        Progress = Progress with
        {
            Step = Progress.Step + 1,
            Epoch = Progress.Epoch + (endsEpoch ? 1 : 0),
            StepInEpoch = endsEpoch ? 0 : Progress.StepInEpoch + 1,
            Seconds = Seconds,
            Tokens = Progress.Tokens + tokens,
            Loss = loss,
        };
        return new StepResult(Progress.Step, learningRate, norm);
    }

    /// <summary>Whether it is time to evaluate: every so many steps, or after an epoch, and at the end.</summary>
    public bool TimeToEvaluate => Finished || (options.EvalEvery is { } every ? Progress.Step % every == 0 : Progress.StepInEpoch == 0);

    /// <summary>Whether it is time to write a checkpoint: every so many steps or minutes, or after an epoch.</summary>
    public bool TimeToSave =>
        (options.SaveEveryMinutes is { } minutes && watch.Elapsed.TotalMinutes - savedAtMinutes >= minutes) ||
        (options.SaveEvery is { } every ? Progress.Step % every == 0 : options.SaveEveryMinutes is null && Progress.StepInEpoch == 0);

    /// <summary>Whether it is time for a line of the metric log.</summary>
    public bool TimeToLog => Finished || Progress.Step % options.LogEvery == 0;

    /// <summary>Takes the score of an evaluation; the best model so far is kept.</summary>
    /// <param name="score">Higher is better.</param>
    /// <returns>Whether it is the best so far.</returns>
    public bool Evaluated(double score)
    {
        var better = Progress.BestScore is not { } best || score > best;
        if (better && options.KeepBest && bestPath is not null)
        {
            TrainingCheckpoint.SaveWeights(bestPath, trained);
        }

        Progress = better
            ? Progress with { BestScore = score, BestStep = Progress.Step, EvaluationsSinceBest = 0 }
            : Progress with { EvaluationsSinceBest = Progress.EvaluationsSinceBest + 1 };
        return better;
    }

    /// <summary>Writes a checkpoint; nothing happens without a folder.</summary>
    public void Save()
    {
        if (checkpointPath is not null)
        {
            Progress = Progress with { Seconds = Seconds };
            TrainingCheckpoint.Save(checkpointPath, trained, optimizer, Progress);
            savedAtMinutes = watch.Elapsed.TotalMinutes;
        }
    }

    /// <summary>Before a step: when a stop was asked for, writes a checkpoint and stops, so that no step is lost.</summary>
    /// <exception cref="OperationCanceledException">A stop was asked for.</exception>
    public void StopIfAsked(CancellationToken stop)
    {
        if (stop.IsCancellationRequested && Progress.Step > 0)
        {
            Save();
        }

        stop.ThrowIfCancellationRequested();
    }

    /// <summary>Ends the training: dropout off, and the best model's weights taken back when they are to be kept.</summary>
    /// <exception cref="InvalidDataException">Their file is missing or damaged.</exception>
    public void Complete()
    {
        model.Training = false;
        if (options.KeepBest && Progress.BestScore is not null && Progress.BestStep != Progress.Step && bestPath is not null)
        {
            TrainingCheckpoint.LoadWeights(bestPath, trained);
        }
    }

    /// <summary>Removes what a session kept in its folder, once the result is saved elsewhere.</summary>
    public static void DeleteCheckpoints(string folder)
    {
        File.Delete(Path.Combine(folder, TrainingCheckpoint.CheckpointName));
        File.Delete(Path.Combine(folder, TrainingCheckpoint.BestName));
    }

    /// <inheritdoc/>
    public void Dispose() => optimizer.Dispose();
}
