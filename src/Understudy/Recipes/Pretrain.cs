using System.Diagnostics;
using Understudy.Data;
using Understudy.Models;
using Understudy.Runs;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What a pre-training reached.</summary>
/// <param name="Parameters">Weights of the model.</param>
/// <param name="Steps">Optimiser steps.</param>
/// <param name="Tokens">Tokens trained on.</param>
/// <param name="Seconds">Time of the training, over all attempts.</param>
/// <param name="HeldOutLoss">Cross-entropy per token on held-out text, in nats.</param>
/// <param name="BitsPerByte">The same per UTF-8 byte of the text, in bits: comparable between tokenizers.</param>
/// <param name="DataWait">Share of the training loop's time in which it waited for its batches, from 0 to 1; null for a run of an earlier version.</param>
public sealed record PretrainResult(long Parameters, int Steps, long Tokens, double Seconds, double HeldOutLoss, double BitsPerByte, double? DataWait = null);

/// <summary>Trains a causal language model from random weights on plain text: the teacher's beginning where no checkpoint is at hand.</summary>
public static class Pretrain
{
    internal const string StageName = "pretrain";

    /// <summary>Learns a tokenizer, packs the text, trains, and saves a Hugging Face folder. A finished stage is not repeated, an interrupted one continues.</summary>
    /// <param name="options">What to train, and on what.</param>
    /// <param name="pool">Texts of the unlabelled pool; read when <see cref="PretrainOptions.UnlabelledPool"/> is set.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="context">The run.</param>
    /// <returns>The model's folder and what was reached.</returns>
    public static (string Folder, Fingerprint Fingerprint, PretrainResult Result) Run(PretrainOptions options, IReadOnlyList<string> pool, long seed, RunContext context)
    {
        var target = context.Folder.Model("pretrained");
        var fingerprint = FingerprintOf(options, pool, seed);
        var stage = context.Begin(StageName, fingerprint, target);
        if (stage.State == StageState.Finished)
        {
            TrainingSession.DeleteCheckpoints(stage.Folder);
            return (target, fingerprint, stage.Result<PretrainResult>());
        }

        var random = new SeededRandom(options.Training.Seed ?? seed).Fork(StageName);
        var text = PretrainingText.Prepare(options, pool, random, stage.Folder, context);
        var config = Architectures.GptNeox(options.Architecture, text.Tokenizer);
        using var model = new GptNeoxForCausalLM(config, new RandomParameters(random.Seed, config.InitializerRange, context.Device), context.Device);
        var result = Train(model, text, options, random.Seed, stage, context);
        PretrainedFolder.Save(model, target, text.Tokenizer);
        stage.Finish(result);
        TrainingSession.DeleteCheckpoints(stage.Folder);
        return (target, fingerprint, result);
    }

    private static PretrainResult Train(GptNeoxForCausalLM model, PretrainingText text, PretrainOptions options, long seed, RunStage stage, RunContext context)
    {
        var training = options.Training with { SaveEvery = options.Training.SaveEvery ?? 200 };
        var plan = new BatchPlan([.. Enumerable.Repeat(text.Train.RowLength, text.Train.Rows)], training, seed);
        using var session = new TrainingSession(model, training, plan.TotalSteps(), seed, stage.Folder);
        context.Folder.Metrics.DropAfter(StageName, session.Progress.Step);
        var total = training.MaxMinutes is null ? (long?)session.TotalSteps * training.BatchSize * training.GradientAccumulationSteps * text.Train.RowLength : null;
        using var bar = context.Progress.Start(StageName, total, "tokens");
        bar.Advance(session.Progress.Tokens);
        using var steps = new DataLoader<StepBatches<TokenLayout>>(plan.StepsFrom(session.Progress).Select(text.Train.Step));
        var watch = Stopwatch.StartNew();
        var tokensBefore = session.Progress.Tokens;
        while (!session.Finished)
        {
            session.StopIfAsked(context.Cancel);
            var step = steps.Next();
            using var scope = torch.NewDisposeScope();
            session.BeginStep();
            var loss = 0.0;
            foreach (var rows in step.Batches)
            {
                using var micro = torch.NewDisposeScope();
                var share = Loss(model, rows, step.Weight, training, context.Device);
                share.backward();
                loss += share.item<double>();
            }

            var taken = session.EndStep(loss, step.Tokens, step.StepsInEpoch);
            bar.Advance(step.Tokens, loss, $"step {taken.Step}");
            if (session.TimeToLog)
            {
                var rate = (session.Progress.Tokens - tokensBefore) / watch.Elapsed.TotalSeconds;
                context.Folder.Metrics.Append(StageName, taken.Step, ("loss", loss), ("learning_rate", taken.LearningRate), ("grad_norm", taken.GradNorm), ("tokens", session.Progress.Tokens), ("tokens_per_second", rate), ("data_wait", steps.WaitShare));
            }

            if (session.TimeToSave)
            {
                session.Save();
            }
        }

        var waited = steps.WaitShare;
        session.Complete();
        var heldOut = HeldOutLoss(model, text, options.Training, context);
        var result = new PretrainResult(model.Parameters.Sum(parameter => parameter.Value.numel()), session.Progress.Step, session.Progress.Tokens, session.Progress.Seconds, heldOut, heldOut / Math.Log(2) * text.HeldOutTokensPerByte, waited);
        // A process killed between this line and the end of the stage logged it already.
        context.Folder.Metrics.Drop(StageName, "held_out_loss");
        context.Folder.Metrics.Append(StageName, result.Steps, ("held_out_loss", heldOut), ("bits_per_byte", result.BitsPerByte));
        bar.Finish($"{result.BitsPerByte:F3} bits per byte on held-out text, {FigureText.Waited(waited)}");
        return result;
    }

    /// <summary>A micro-batch's share of its step's loss.</summary>
    internal static Tensor Loss(ICausalLanguageModel model, TokenLayout rows, double weight, TrainingOptions training, Device device)
    {
        var ids = rows.To(device).Ids;   // [rows, tokens]
        using var autocast = Precision.Autocast(training.Precision, device);
        return Losses.NextToken(model.Prelogits(model.Hidden(ids)), ids, weight, labelSmoothing: training.LabelSmoothing);
    }

    private static double HeldOutLoss(GptNeoxForCausalLM model, PretrainingText text, TrainingOptions options, RunContext context)
    {
        using var gradients = torch.no_grad();
        double sum = 0;
        foreach (var rows in Enumerable.Range(0, text.HeldOut.Rows).Chunk(options.BatchSize))
        {
            context.Cancel.ThrowIfCancellationRequested();
            using var scope = torch.NewDisposeScope();
            using var autocast = Precision.Autocast(options.Precision, context.Device);
            var ids = text.HeldOut.Batch(rows).To(context.Device).Ids;
            sum += Losses.NextToken(model.Prelogits(model.Hidden(ids)), ids, divisor: 1).item<double>();
        }

        return sum / ((double)text.HeldOut.Rows * (text.HeldOut.RowLength - 1));
    }

    /// <summary>What the model depends on.</summary>
    internal static Fingerprint FingerprintOf(PretrainOptions options, IReadOnlyList<string> pool, long seed)
    {
        var fingerprint = new Fingerprint().AddOptions("pretrain", options).Add("seed", (options.Training.Seed ?? seed).ToString());
        return options.UnlabelledPool ? fingerprint.Add("unlabelled pool", string.Join('\n', pool)) : fingerprint;
    }
}
