using System.Diagnostics;
using System.Text.Json.Serialization;
using Understudy.Data;
using Understudy.Models;
using Understudy.Runs;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What a pre-training reached.</summary>
/// <param name="Parameters">Weights of the model.</param>
/// <param name="Steps">Optimiser steps.</param>
/// <param name="Tokens">Tokens trained on.</param>
/// <param name="Seconds">Time of the training, over all attempts.</param>
/// <param name="HeldOutLoss">Cross-entropy per label on held-out text, in nats: of every token, of hidden tokens, or of the restored text's.</param>
/// <param name="BitsPerByte">The same per UTF-8 byte that the labels stand for, in bits: comparable between tokenizers, not between objectives.</param>
/// <param name="DataWait">Share of the training loop's time in which it waited for its batches, from 0 to 1; null for a run of an earlier version.</param>
/// <param name="LeftOut">Documents that were left out because they overlap with texts that models are measured on; null for a run of an earlier version.</param>
public sealed record PretrainResult(long Parameters, int Steps, long Tokens, double Seconds, double HeldOutLoss, double BitsPerByte, double? DataWait = null, long? LeftOut = null)
{
    /// <summary>Tokens trained on in a second, measurements on held-out text and checkpoints included.</summary>
    [JsonIgnore]
    public double TokensPerSecond => Seconds > 0 ? Tokens / Seconds : 0;
}

/// <summary>Trains a language model on plain text, from random weights or further: a teacher's or a student's beginning.</summary>
public static class Pretrain
{
    internal const string StageName = "pretrain";

    /// <summary>Learns a tokenizer, packs the text, trains, and saves a Hugging Face folder. A finished stage is not repeated, an interrupted one continues.</summary>
    /// <param name="options">What to train, and on what.</param>
    /// <param name="data">The run's rows: the unlabelled pool is read when <see cref="PretrainOptions.UnlabelledPool"/> is set; documents that overlap with validation and test rows are left out. Null for a run without data.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="context">The run.</param>
    /// <returns>The model's folder and what was reached.</returns>
    /// <exception cref="InvalidDataException">The text is too little, or the model that is to be trained further is no language model.</exception>
    public static (string Folder, Fingerprint Fingerprint, PretrainResult Result) Run(PretrainOptions options, DataSets? data, long seed, RunContext context)
    {
        var target = context.Folder.Model("pretrained");
        var fingerprint = FingerprintOf(options, data, seed, context);
        var stage = context.Begin(StageName, fingerprint, target);
        if (stage.State == StageState.Finished)
        {
            TrainingSession.DeleteCheckpoints(stage.Folder);
            return (target, fingerprint, stage.Result<PretrainResult>());
        }

        var random = new SeededRandom(options.Training.Seed ?? seed).Fork(StageName);
        var source = options.Model is { } named ? context.FetchModel(named) : null;
        var text = PretrainingText.Prepare(options, source, data, random, stage.Folder, context);
        using var objective = Objective(options, source, text.Tokenizer, random.Seed, context);
        var result = Train(objective, text, options, random, stage, context);
        PretrainedFolder.Save(objective.Model, target, text.Tokenizer, new SaveOptions { Source = source });
        stage.Finish(result);
        TrainingSession.DeleteCheckpoints(stage.Folder);
        return (target, fingerprint, result);
    }

    private static PretrainResult Train(IPretrainingObjective objective, PretrainingText text, PretrainOptions options, SeededRandom random, RunStage stage, RunContext context)
    {
        var training = options.Training with { SaveEvery = options.Training.SaveEvery ?? (options.Training.SaveEveryMinutes is null ? 200 : null) };
        var rowLength = text.Train.RowLength;
        var plan = new BatchPlan([.. Enumerable.Repeat(rowLength, text.Train.Rows)], training, random.Seed);
        using var session = new TrainingSession(objective.Model, training, plan.TotalSteps(), random.Seed, stage.Folder);
        context.Folder.Metrics.DropAfter(StageName, session.Progress.Step);
        var total = training.MaxMinutes is null ? (long?)session.TotalSteps * training.BatchSize * training.GradientAccumulationSteps * rowLength : null;
        using var bar = context.Progress.Start(StageName, total, "tokens");
        bar.Advance(session.Progress.Tokens);
        var first = session.Progress.Step;
        using var steps = new DataLoader<StepBatches<PretrainingBatch>>(plan.StepsFrom(session.Progress).Select((step, i) => Step(first + i, step)));
        var watch = Stopwatch.StartNew();
        var tokensBefore = session.Progress.Tokens;
        while (!session.Finished)
        {
            session.StopIfAsked(context.Cancel);
            var step = steps.Next();
            using var scope = torch.NewDisposeScope();
            session.BeginStep();
            var loss = 0.0;
            foreach (var batch in step.Batches)
            {
                using var micro = torch.NewDisposeScope();
                var share = Loss(objective, batch, step.Weight, training, context.Device);
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

            if (training.EvalEvery is { } every && taken.Step % every == 0 && !session.Finished)
            {
                var (heldOutLoss, bits) = Measure();
                context.Folder.Metrics.Append(StageName, taken.Step, ("eval_loss", heldOutLoss), ("eval_bits_per_byte", bits), ("seconds", session.Progress.Seconds));
            }

            if (options.Samples is { } samples && (taken.Step % samples.Every == 0 || session.Finished))
            {
                PretrainingSamples.Append(objective, samples, taken.Step, random.Seed, stage.Folder);
            }

            if (session.TimeToSave)
            {
                session.Save();
            }
        }

        var waited = steps.WaitShare;
        // A measurement takes a while, and a kill within it must not cost steps.
        session.Save();
        session.Complete();
        var (heldOut, bitsPerByte) = Measure();
        var result = new PretrainResult(objective.Model.Parameters.Sum(parameter => parameter.Value.numel()), session.Progress.Step, session.Progress.Tokens, session.Progress.Seconds, heldOut, bitsPerByte, waited, text.LeftOut);
        // A process killed between this line and the end of the stage logged it already.
        context.Folder.Metrics.Drop(StageName, "held_out_loss");
        context.Folder.Metrics.Append(StageName, result.Steps, ("held_out_loss", heldOut), ("bits_per_byte", result.BitsPerByte));
        bar.Finish($"{result.BitsPerByte:F3} bits per byte on held-out text, {FigureText.Waited(waited)}");
        return result;

        (double Loss, double BitsPerByte) Measure()
        {
            try
            {
                return HeldOut(objective, text, training, random, context);
            }
            catch (OperationCanceledException)
            {
                session.Save();
                throw;
            }
        }

        // Made on the loader's thread: what it depends on is fixed before.
        StepBatches<PretrainingBatch> Step(int number, StepRows step)
        {
            var longest = Math.Min(options.LengthWarmup?.At(number, session.TotalSteps, rowLength) ?? rowLength, objective.LongestPiece);
            PretrainingBatch[] batches = [.. step.Batches.Select((rows, i) => objective.Layout(text.Train.Pieces(rows, longest), random.Fork("noise", number).Fork("batch", i)))];
            return new StepBatches<PretrainingBatch>(batches, batches.Sum(batch => (double)batch.Count), batches.Sum(batch => batch.Tokens), step.StepsInEpoch);
        }
    }

    /// <summary>A micro-batch's share of its step's loss.</summary>
    internal static Tensor Loss(IPretrainingObjective objective, PretrainingBatch batch, double weight, TrainingOptions training, Device device)
    {
        using var autocast = Precision.Autocast(training.Precision, device);
        return objective.Loss(batch, weight, training.LabelSmoothing, device);
    }

    private static (double Loss, double BitsPerByte) HeldOut(IPretrainingObjective objective, PretrainingText text, TrainingOptions options, SeededRandom random, RunContext context)
    {
        using var gradients = torch.no_grad();
        objective.Model.Training = false;
        var (sum, count, bytes) = (0.0, 0L, 0L);
        foreach (var (rows, i) in Enumerable.Range(0, text.HeldOut.Rows).Chunk(options.BatchSize).Select((rows, i) => (rows, i)))
        {
            context.Cancel.ThrowIfCancellationRequested();
            using var scope = torch.NewDisposeScope();
            // The same is hidden at every measurement.
            var batch = objective.Layout(text.HeldOut.Pieces(rows, Math.Min(text.HeldOut.RowLength, objective.LongestPiece)), random.Fork("held out", i));
            sum += Loss(objective, batch, 1, options with { LabelSmoothing = 0 }, context.Device).item<double>();
            count += batch.Count;
            bytes += batch.Bytes;
        }

        return (sum / count, sum / Math.Log(2) / bytes);
    }

    /// <summary>The model to train and what it is asked.</summary>
    /// <param name="options">Objective and shape.</param>
    /// <param name="source">The folder of the model whose training goes on; null for random weights, without which a plan needs none.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="seed">Seed of new weights.</param>
    /// <param name="context">The run.</param>
    private static IPretrainingObjective Objective(PretrainOptions options, string? source, Tokenizer tokenizer, long seed, RunContext context)
    {
        if (source is not null)
        {
            var loaded = AutoModel.Load(source, new LoadOptions { Device = context.Device });
            return loaded switch
            {
                ICausalLanguageModel model => new CausalObjective(model, tokenizer),
                IMaskedLanguageModel model => new MaskedObjective(model, tokenizer, options.Masking),
                ISequenceToSequenceModel model => new DenoisingObjective(model, tokenizer, options.Denoising),
                _ => throw NoLanguageModel(source, loaded),
            };
        }

        RandomParameters Weights(double range) => new(seed, range, context.Device);
        switch (options.Architecture.Family)
        {
            case ArchitectureFamily.Roberta:
                var roberta = Architectures.Classifier(options.Architecture, tokenizer, []);
                return new MaskedObjective(new BertForMaskedLM(roberta, Weights(roberta.InitializerRange)), tokenizer, options.Masking);
            case ArchitectureFamily.Bart:
                var bart = Architectures.Bart(options.Architecture, tokenizer);
                return new DenoisingObjective(new BartForConditionalGeneration(bart, Weights(bart.InitializerRange)), tokenizer, options.Denoising);
            default:
                var neox = Architectures.GptNeox(options.Architecture, tokenizer);
                return new CausalObjective(new GptNeoxForCausalLM(neox, Weights(neox.InitializerRange), context.Device), tokenizer);
        }
    }

    /// <summary>The most tokens that the model takes.</summary>
    /// <param name="options">The shape of a new model.</param>
    /// <param name="source">The folder of the model whose training goes on; null for random weights.</param>
    /// <exception cref="InvalidDataException">The folder holds no language model.</exception>
    internal static int MaxLengthOf(PretrainOptions options, string? source)
    {
        if (source is null) return options.Architecture.MaxPositionEmbeddings;
        using var outline = AutoModel.Outline(source);
        return outline is ICausalLanguageModel or IMaskedLanguageModel or ISequenceToSequenceModel ? outline.MaxLength : throw NoLanguageModel(source, outline);
    }

    private static InvalidDataException NoLanguageModel(string source, IPretrainedModel found) =>
        new($"{source}: expected a language model to go on training, found {found.GetType().Name}. Name a causal, masked or sequence-to-sequence model in 'pretrain.model'.");

    /// <summary>What the model depends on.</summary>
    internal static Fingerprint FingerprintOf(PretrainOptions options, DataSets? data, long seed, RunContext context)
    {
        var fingerprint = new Fingerprint().AddOptions("pretrain", options with { Model = null }).Add("seed", (options.Training.Seed ?? seed).ToString())
            .Add("texts to measure on", string.Join('\n', MeasuredOn(data).SelectMany(row => new[] { row.Text, row.TextPair })));
        if (options.Model is { } model) fingerprint.AddUpstream("model", Distill.ModelPrint(model, context));
        return options.UnlabelledPool ? fingerprint.Add("unlabelled pool", string.Join('\n', (data?.Unlabelled ?? []).Select(row => row.Text))) : fingerprint;

        static IEnumerable<Example> MeasuredOn(DataSets? data) => data is null ? [] : data.Test.Concat(data.Validation);
    }
}
