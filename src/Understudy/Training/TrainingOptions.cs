using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Training;

/// <summary>How a model is trained: length, batches, optimiser, schedule, evaluation and checkpoints.</summary>
/// <remarks>Names follow Hugging Face's <c>TrainingArguments</c> where it has the option.</remarks>
public sealed record TrainingOptions
{
    /// <summary>Passes over the training rows, at least 1. <see cref="MaxSteps"/> and <see cref="MaxMinutes"/> may end the training sooner.</summary>
    /// <value>The default value is 3.</value>
    public int Epochs { get; init; } = 3;

    /// <summary>Optimiser steps after which training ends, at least 1; it overrides <see cref="Epochs"/>, rows being repeated as often as needed. The schedule falls over these steps.</summary>
    /// <value>The default value is null: <see cref="Epochs"/> decides.</value>
    public int? MaxSteps { get; init; }

    /// <summary>Minutes of training after which it ends at the next step, more than 0. The schedule then falls with the time that has passed. A result then depends on the machine's speed.</summary>
    /// <value>The default value is null: no limit.</value>
    public double? MaxMinutes { get; init; }

    /// <summary>Rows in a batch, at least 1; the most rows when <see cref="MaxTokensPerBatch"/> is set.</summary>
    /// <value>The default value is 16.</value>
    public int BatchSize { get; init; } = 16;

    /// <summary>Tokens in a batch, padding included, at least 1; a row longer than this is a batch of its own.</summary>
    /// <value>The default value is null: <see cref="BatchSize"/> alone decides.</value>
    public int? MaxTokensPerBatch { get; init; }

    /// <summary>Tokens of a row, special tokens included, at least 2; longer rows are truncated.</summary>
    /// <value>The default value is null: the most that the model can take.</value>
    public int? MaxLength { get; init; }

    /// <summary>Whether rows of similar length share a batch, which saves padding. Batches are still visited in random order.</summary>
    /// <value>The default value is true.</value>
    public bool GroupByLength { get; init; } = true;

    /// <summary>Batches whose gradients are added before a step, at least 1. The loss equals that of the whole batch, also when token counts differ.</summary>
    /// <value>The default value is 1.</value>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>The peak learning rate, more than 0.</summary>
    /// <value>The default value is 5e-5.</value>
    public double LearningRate { get; init; } = 5e-5;

    /// <summary>How the learning rate moves over the steps.</summary>
    /// <value>The default value is <see cref="ScheduleType.Linear"/>.</value>
    public ScheduleType Schedule { get; init; } = ScheduleType.Linear;

    /// <summary>Steps over which the learning rate rises from 0, at least 0; it overrides <see cref="WarmupRatio"/>.</summary>
    /// <value>The default value is null: <see cref="WarmupRatio"/> decides.</value>
    public int? WarmupSteps { get; init; }

    /// <summary>The warm-up as a share of all steps, from 0 to 1.</summary>
    /// <value>The default value is 0.</value>
    public double WarmupRatio { get; init; }

    /// <summary>The share of all steps, counted from the last, over which <see cref="ScheduleType.WarmupStableDecay"/> falls, from 0 to 1; the other schedules ignore it.</summary>
    /// <value>The default value is 0.2.</value>
    public double DecayRatio { get; init; } = 0.2;

    /// <summary>What makes steps of gradients.</summary>
    /// <value>The default value is <see cref="OptimizerType.AdamW"/>.</value>
    public OptimizerType Optimizer { get; init; } = OptimizerType.AdamW;

    /// <summary>Muon's decay rate of the gradient average, from 0 to below 1.</summary>
    /// <value>The default value is 0.95.</value>
    public double MuonMomentum { get; init; } = 0.95;

    /// <summary>Decoupled weight decay, at least 0 (Loshchilov and Hutter, arXiv 1711.05101).</summary>
    /// <value>The default value is 0.01.</value>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Whether biases and the weights of normalisation layers decay as well.</summary>
    /// <value>The default value is false.</value>
    public bool DecayBiasAndNorm { get; init; }

    /// <summary>AdamW's decay rate of the gradient average, from 0 to below 1.</summary>
    /// <value>The default value is 0.9.</value>
    public double AdamBeta1 { get; init; } = 0.9;

    /// <summary>AdamW's decay rate of the squared gradient average, from 0 to below 1.</summary>
    /// <value>The default value is 0.999.</value>
    public double AdamBeta2 { get; init; } = 0.999;

    /// <summary>AdamW's term against division by zero, more than 0.</summary>
    /// <value>The default value is 1e-8.</value>
    public double AdamEpsilon { get; init; } = 1e-8;

    /// <summary>The 2-norm over all gradients to which they are scaled down when they exceed it, more than 0.</summary>
    /// <value>The default value is 1. Null clips nothing.</value>
    public double? MaxGradNorm { get; init; } = 1.0;

    /// <summary>Probability with which an activation is dropped in training, from 0 to below 1; it replaces every dropout of the model's configuration.</summary>
    /// <value>The default value is null: as the model's configuration says.</value>
    public double? Dropout { get; init; }

    /// <summary>Share of the target probability spread evenly over all classes, from 0 to below 1.</summary>
    /// <value>The default value is 0.</value>
    public double LabelSmoothing { get; init; }

    /// <summary>The arithmetic of forward and backward passes.</summary>
    /// <value>The default value is <see cref="PrecisionMode.Fp32"/>.</value>
    public PrecisionMode Precision { get; init; } = PrecisionMode.Fp32;

    /// <summary>Whether only what goes into each block is kept for the gradient and the rest is computed again: less memory, about a third more time (Chen et al., arXiv 1604.06174). It cannot change a result.</summary>
    /// <value>The default value is false.</value>
    [NotInFingerprint]
    public bool GradientCheckpointing { get; init; }

    /// <summary>Steps between two evaluations on the validation rows, at least 1.</summary>
    /// <value>The default value is null: after every epoch.</value>
    public int? EvalEvery { get; init; }

    /// <summary>Evaluations without a better result after which training ends, at least 1.</summary>
    /// <value>The default value is null: training does not end early.</value>
    public int? EarlyStoppingPatience { get; init; }

    /// <summary>Whether the model of the best evaluation is the result, instead of the model of the last step. Without validation rows it has no effect.</summary>
    /// <value>The default value is true.</value>
    public bool KeepBest { get; init; } = true;

    /// <summary>Steps between two checkpoints to continue from, at least 1. It cannot change a result.</summary>
    /// <value>The default value is null: after every epoch.</value>
    [NotInFingerprint]
    public int? SaveEvery { get; init; }

    /// <summary>Minutes between two checkpoints to continue from, more than 0; beside <see cref="SaveEvery"/>. It cannot change a result.</summary>
    /// <value>The default value is null: <see cref="SaveEvery"/> decides.</value>
    [NotInFingerprint]
    public double? SaveEveryMinutes { get; init; }

    /// <summary>Steps between two lines of the metric log, at least 1. It cannot change a result.</summary>
    /// <value>The default value is 10.</value>
    [NotInFingerprint]
    public int LogEvery { get; init; } = 10;

    /// <summary>Seed of the order of the rows, of dropout and of new weights.</summary>
    /// <value>The default value is null: derived from the run's seed.</value>
    public long? Seed { get; init; }

    internal const string MuonForAdapter = "muon steps matrices between hidden layers, and with 'lora' none of them is trained. Use adam_w.";

    /// <summary>Whether the validation rows decide which model is the result, or when training ends: then they are evaluated on.</summary>
    internal bool SelectsModel => KeepBest || EarlyStoppingPatience is not null || EvalEvery is not null;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        AtLeast("epochs", Epochs, 1),
        AtLeast("max_steps", MaxSteps, 1),
        MoreThan("max_minutes", MaxMinutes, 0),
        AtLeast("batch_size", BatchSize, 1),
        AtLeast("max_tokens_per_batch", MaxTokensPerBatch, 1),
        AtLeast("max_length", MaxLength, 2),
        AtLeast("gradient_accumulation_steps", GradientAccumulationSteps, 1),
        MoreThan("learning_rate", LearningRate, 0),
        AtLeast("warmup_steps", WarmupSteps, 0),
        Between("warmup_ratio", WarmupRatio, 0, 1),
        Between("decay_ratio", DecayRatio, 0, 1),
        FromToBelow("muon_momentum", MuonMomentum, 0, 1),
        AtLeast("weight_decay", WeightDecay, 0),
        FromToBelow("adam_beta1", AdamBeta1, 0, 1),
        FromToBelow("adam_beta2", AdamBeta2, 0, 1),
        MoreThan("adam_epsilon", AdamEpsilon, 0),
        MoreThan("max_grad_norm", MaxGradNorm, 0),
        FromToBelow("dropout", Dropout, 0, 1),
        FromToBelow("label_smoothing", LabelSmoothing, 0, 1),
        AtLeast("eval_every", EvalEvery, 1),
        AtLeast("early_stopping_patience", EarlyStoppingPatience, 1),
        AtLeast("save_every", SaveEvery, 1),
        MoreThan("save_every_minutes", SaveEveryMinutes, 0),
        Schedule == ScheduleType.WarmupStableDecay && (WarmupSteps is null ? WarmupRatio : MaxSteps is { } steps ? WarmupSteps.Value / (double)steps : 0) + DecayRatio > 1
            ? new OptionFault("decay_ratio", "expected at most 1 together with the warm-up, or the learning rate would fall before it has risen. Lower one of them.")
            : null,
        AtLeast("log_every", LogEvery, 1),
        Schedule == ScheduleType.Polynomial && LearningRate is > 0 and <= LearningRateSchedule.PolynomialEnd
            ? new OptionFault("learning_rate", "expected more than 1e-7, where the polynomial schedule ends.")
            : null,
        Schedule == ScheduleType.Constant && (WarmupSteps > 0 || WarmupRatio > 0)
            ? new OptionFault("schedule", "'constant' has no warm-up, but one is asked for. Use 'constant_with_warmup', or leave out 'warmup_steps' and 'warmup_ratio'.")
            : null);
}
