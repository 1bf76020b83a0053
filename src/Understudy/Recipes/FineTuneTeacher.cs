using System.Globalization;
using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Runs;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What a tuning reached.</summary>
/// <param name="Seeds">Labelled rows it learnt from.</param>
/// <param name="Steps">Optimiser steps.</param>
/// <param name="Loss">Loss of the last step.</param>
/// <param name="ValidationAccuracy">Best accuracy on the validation rows; null when there was no evaluation.</param>
/// <param name="Seconds">Time of the training, over all attempts; null for a run of an earlier version.</param>
/// <param name="DataWait">Share of the training loop's time in which it waited for its batches, from 0 to 1; null for a run of an earlier version.</param>
public sealed record TuneResult(int Seeds, int Steps, double Loss, double? ValidationAccuracy, double? Seconds = null, double? DataWait = null);

/// <summary>Fine-tunes the teacher on the seeds (arXiv 2310.01119, section 3): to label a text, and to write a text for a label.</summary>
public static class FineTuneTeacher
{
    internal const string StageName = "tune";

    /// <summary>Tunes all weights, or an adapter, and saves the teacher. A finished stage is not repeated, an interrupted one continues.</summary>
    /// <param name="options">How.</param>
    /// <param name="model">The language model to begin with: a folder, or a name on the Hub.</param>
    /// <param name="task">The task.</param>
    /// <param name="data">Seeds and validation rows.</param>
    /// <param name="generates">Whether it must learn to write texts, too.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="upstream">What the model depends on.</param>
    /// <param name="context">The run.</param>
    /// <returns>The folder of the tuned teacher, or of its adapter, and what was reached.</returns>
    public static (string Folder, Fingerprint Fingerprint, TuneResult Result) Run(TeacherOptions options, string model, ClassificationTask task, DataSets data, bool generates, long seed, Fingerprint upstream, RunContext context)
    {
        var target = context.Folder.Model(FolderName(options));
        var fingerprint = FingerprintOf(options, generates, seed, upstream);
        var stage = context.Begin(StageName, fingerprint, target);
        if (stage.State == StageState.Finished)
        {
            TrainingSession.DeleteCheckpoints(stage.Folder);
            return (target, fingerprint, stage.Result<TuneResult>());
        }

        using var teacher = Load(options, model, task, options.Tune.Seed ?? seed, context);
        var result = Train(teacher, options, task, data, generates, options.Tune.Seed ?? seed, stage, context);
        if (options.Merge)
        {
            teacher.Merge();
        }

        if (teacher.Adapter is { } tuned)
        {
            AdaptedModel.Save(tuned, target, teacher.Model, options.Lora!);
        }
        else
        {
            teacher.Save(target, options.MaxShardBytes);
        }

        stage.Finish(result);
        TrainingSession.DeleteCheckpoints(stage.Folder);
        return (target, fingerprint, result);
    }

    /// <summary>The folder of the tuned teacher, or of its adapter, in that of the models.</summary>
    internal static string FolderName(TeacherOptions options) => options.Lora is null || options.Merge ? "teacher" : "teacher-adapter";

    /// <summary>What the tuned teacher depends on.</summary>
    internal static Fingerprint FingerprintOf(TeacherOptions options, bool generates, long seed, Fingerprint upstream)
    {
        var fingerprint = new Fingerprint().AddOptions("teacher.tune", options.Tune)
            .Add("weights", string.Create(CultureInfo.InvariantCulture, $"{options.PromptLossWeight} {options.LabelLossWeight} {(generates ? options.GenerationLossWeight : null)}"))
            .Add("seed", (options.Tune.Seed ?? seed).ToString()).AddUpstream("model and data", upstream);
        return options.Lora is { } adapter
            ? fingerprint.AddOptions("teacher.lora", adapter).Add("teacher.merge", options.Merge.ToString())
            : fingerprint;
    }

    private static Teacher Load(TeacherOptions options, string model, ClassificationTask task, long seed, RunContext context)
    {
        var folder = context.FetchModel(model);
        if (AdapterFolder.Recognises(folder))
        {
            throw new InvalidDataException($"{folder} holds an adapter, and 'teacher.model' needs a whole model. 'understudy merge {folder} --output FOLDER' writes one.");
        }

        var teacher = Teacher.Load(folder, task, options.Lora?.Holding(context.Device) ?? new LoadOptions { Device = context.Device }, options.Tune.MaxLength);
        if (options.Lora is not { } lora)
        {
            return teacher;
        }

        try
        {
            var (name, revision) = context.BaseNameOf(model);
            teacher.Adapt(lora.ToConfig("CAUSAL_LM", name, revision), seed, options.Merge);
            var own = teacher.Adapter!.Parameters.Sum(parameter => parameter.Value.numel());
            context.Progress.Note($"{StageName}: {own:N0} weights of an adapter on {teacher.Adapter.LayerNames.Count} layers are tuned, {teacher.Model.Parameters.Sum(parameter => parameter.Value.numel()):N0} stay as they are.");
            return teacher;
        }
        catch
        {
            teacher.Dispose();
            throw;
        }
    }

    private static TuneResult Train(Teacher teacher, TeacherOptions options, ClassificationTask task, DataSets data, bool generates, long seed, RunStage stage, RunContext context)
    {
        var training = options.Tune;
        var rows = Rows(teacher.Rows, options, data, generates);
        var plan = new BatchPlan([.. rows.Select(row => row.Ids.Length)], training, seed);
        using var session = new TrainingSession(teacher.Model, training, plan.TotalSteps(), seed, stage.Folder, teacher.Adapter?.Parameters);
        context.Folder.Metrics.DropAfter(StageName, session.Progress.Step);
        using var bar = context.Progress.Start("tune teacher", session.TotalSteps, "steps");
        bar.Advance(session.Progress.Step);
        using var steps = new DataLoader<StepBatches<TeacherLayout>>(plan.StepsFrom(session.Progress).Select(step => TeacherLayout.Step(rows, step, teacher.Padding)));
        while (!session.Finished)
        {
            session.StopIfAsked(context.Cancel);
            var step = steps.Next();
            using var scope = torch.NewDisposeScope();
            session.BeginStep();
            var loss = 0.0;
            foreach (var micro in step.Batches)
            {
                using var inner = torch.NewDisposeScope();
                var share = Loss(teacher.Model, micro, step.Weight, training, context.Device);
                share.backward();
                loss += share.item<double>();
            }

            var taken = session.EndStep(loss, step.Tokens, step.StepsInEpoch);
            bar.Advance(1, loss, $"epoch {session.Progress.Epoch + 1}");
            if (session.TimeToLog)
            {
                context.Folder.Metrics.Append(StageName, taken.Step, ("loss", loss), ("learning_rate", taken.LearningRate), ("grad_norm", taken.GradNorm), ("data_wait", steps.WaitShare));
            }

            Evaluate(teacher, training, task, data, session, taken.Step, context);
            if (session.TimeToSave)
            {
                session.Save();
            }
        }

        session.Complete();
        bar.Finish($"{(session.Progress.BestScore is { } best ? $"{FigureText.Percent(best)} of the validation rows right at best, " : "")}{FigureText.Waited(steps.WaitShare)}");
        return new TuneResult(data.Train.Count, session.Progress.Step, session.Progress.Loss ?? double.NaN, session.Progress.BestScore, session.Progress.Seconds, steps.WaitShare);
    }

    /// <summary>A micro-batch's share of its step's loss.</summary>
    internal static Tensor Loss(ICausalLanguageModel model, TeacherLayout micro, double weight, TrainingOptions training, Device device)
    {
        var (ids, mask, weights) = micro.To(device);   // [rows, tokens]
        using var autocast = Precision.Autocast(training.Precision, device);
        return Losses.NextToken(model.Prelogits(model.Hidden(ids, mask)), ids, weight, weights, training.LabelSmoothing);
    }

    /// <summary>The rows that a teacher learns from.</summary>
    internal static List<TeacherRow> Rows(TeacherRows teacher, TeacherOptions options, DataSets data, bool generates)
    {
        List<TeacherRow> rows = [.. ParallelRows.Select(data.Train, seed => teacher.Labelled(seed, seed.Weight * options.PromptLossWeight, seed.Weight * options.LabelLossWeight))];
        if (generates && options.GenerationLossWeight > 0)
        {
            rows.AddRange(ParallelRows.Select(data.Train, seed => teacher.Written(seed, seed.Weight * options.GenerationLossWeight)));
        }

        // A batch of rows that weigh nothing would have no mean.
        return [.. rows.Where(row => row.Weights.Skip(1).Any(weight => weight > 0))];
    }

    private static void Evaluate(Teacher teacher, TrainingOptions training, ClassificationTask task, DataSets data, TrainingSession session, int step, RunContext context)
    {
        if (!session.TimeToEvaluate || data.Validation.Count == 0 || !training.SelectsModel)
        {
            return;
        }

        teacher.Model.Training = false;
        var scorer = new LabelScorer(teacher.Model, teacher.Rows.LabelTokens);
        using var autocast = Precision.Autocast(training.Precision, context.Device);
        var correct = scorer.Score([.. data.Validation.Select(teacher.Rows.Prompt)], 64, context.Cancel)
            .Count(score => task.Labels[score.Best] == data.Validation[score.Prompt].Label);
        // The next step changes the weights: a copy of them would only take memory.
        PackedModel.Forget(teacher.Model);
        var accuracy = (double)correct / data.Validation.Count;
        context.Folder.Metrics.Append(StageName, step, ("validation_accuracy", accuracy));
        session.Evaluated(accuracy);
    }
}
