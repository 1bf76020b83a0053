using Understudy.Data;
using Understudy.Models;
using Understudy.Runs;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What a student's training reached.</summary>
/// <param name="Rows">Rows it learnt from.</param>
/// <param name="Steps">Optimiser steps.</param>
/// <param name="Loss">Loss of the last step.</param>
/// <param name="ValidationAccuracy">Best accuracy on the validation rows; null when there was no evaluation.</param>
/// <param name="NewParameters">Names of the weights that its checkpoint lacked; empty for a student from scratch.</param>
/// <param name="Seconds">Time of the training, over all attempts; null for a run of an earlier version.</param>
/// <param name="DataWait">Share of the training loop's time in which it waited for its batches, from 0 to 1; null for a run of an earlier version.</param>
public sealed record StudentResult(int Rows, int Steps, double Loss, double? ValidationAccuracy, IReadOnlyList<string> NewParameters, double? Seconds = null, double? DataWait = null);

/// <summary>Trains a classifier on rows with labels or with distributions over labels.</summary>
public static class TrainStudent
{
    /// <summary>Trains and saves a student. A finished stage is not repeated, an interrupted one continues.</summary>
    /// <param name="name">Name of the stage and of the model's folder.</param>
    /// <param name="options">The student.</param>
    /// <param name="training">How it is trained.</param>
    /// <param name="rows">What it is trained on; each row with a label of <paramref name="labels"/>.</param>
    /// <param name="validation">Rows for choosing between checkpoints; may be empty.</param>
    /// <param name="labels">The classes.</param>
    /// <param name="vocabularyTexts">Texts that a student from scratch learns its tokenizer from.</param>
    /// <param name="seed">Seed of this training.</param>
    /// <param name="upstream">What the rows depend on.</param>
    /// <param name="context">The run.</param>
    /// <returns>The student's folder and what was reached.</returns>
    public static (string Folder, Fingerprint Fingerprint, StudentResult Result) Run(string name, StudentOptions options, TrainingOptions training, IReadOnlyList<Example> rows, IReadOnlyList<Example> validation, LabelSet labels, IReadOnlyList<string> vocabularyTexts, long seed, Fingerprint upstream, RunContext context)
    {
        var target = context.Folder.Model(name);
        var fingerprint = FingerprintOf(options, training, seed, upstream, context);
        var stage = context.Begin(name, fingerprint, target);
        if (stage.State == StageState.Finished)
        {
            TrainingSession.DeleteCheckpoints(stage.Folder);
            return (target, fingerprint, stage.Result<StudentResult>());
        }

        var (model, tokenizer, fresh) = Build(options, labels, vocabularyTexts, seed, stage.Folder, context);
        using (model)
        {
            using var lora = options.Lora is { } adapter ? Adapted(model, adapter, options.Model!, fresh, seed, context) : null;
            var result = Train(name, model, lora?.Active, tokenizer, training, rows, validation, labels, seed, stage, context) with { NewParameters = fresh };
            if (lora?.Active is { } trained)
            {
                // PEFT's folders do not name labels.
                Directory.CreateDirectory(target);
                Storage.Replace(Path.Combine(target, ConfigJson.FileName), model.ToConfigJson().ToJsonString() + "\n");
                AdaptedModel.Save(trained, target, model, options.Lora!);
            }
            else
            {
                PretrainedFolder.Save(model, target, tokenizer, new SaveOptions { Source = options.Model is { } start ? context.FetchModel(start) : null });
            }

            stage.Finish(result);
            TrainingSession.DeleteCheckpoints(stage.Folder);
            return (target, fingerprint, result);
        }
    }

    private static LoraModel Adapted(ISequenceClassifier model, LoraOptions options, string start, IReadOnlyList<string> fresh, long seed, RunContext context)
    {
        var (name, revision) = context.BaseNameOf(start);
        var config = options.ToConfig("SEQ_CLS", name, revision);
        // Heads that are called otherwise than PEFT expects; and what the checkpoint lacks beside them, a pooler for example, nobody could make again.
        var lost = fresh.Select(name => name[..name.LastIndexOf('.')]).Concat(model.Linears.Where(layer => layer.IsHead).Select(layer => layer.Name)).Distinct().Where(module => !config.SavedModules.Any(saved => module == saved || module.StartsWith(saved + ".", StringComparison.Ordinal)));
        var lora = new LoraModel(model);
        try
        {
            lora.Add(config with { ModulesToSave = [.. config.SavedModules, .. lost] }, seed);
            return lora;
        }
        catch
        {
            lora.Dispose();
            throw;
        }
    }

    private static StudentResult Train(string name, ISequenceClassifier model, LoraAdapter? adapter, Tokenizer tokenizer, TrainingOptions training, IReadOnlyList<Example> examples, IReadOnlyList<Example> validation, LabelSet labels, long seed, RunStage stage, RunContext context)
    {
        var encoder = new ClassifierRows(tokenizer, model, training.MaxLength);
        // A batch of rows that weigh nothing would have no mean.
        var rows = encoder.Encode([.. examples.Where(example => example.Weight > 0)]);
        IReadOnlyList<ClassifierRow> checks = training.SelectsModel ? encoder.Encode(validation) : [];
        var plan = new BatchPlan([.. rows.Select(row => row.Ids.Length)], training, seed);
        using var session = new TrainingSession(model, training, plan.TotalSteps(), seed, stage.Folder, adapter?.Parameters);
        context.Folder.Metrics.DropAfter(name, session.Progress.Step);
        using var bar = context.Progress.Start(name, session.TotalSteps, "steps");
        bar.Advance(session.Progress.Step);
        using var steps = new DataLoader<StepBatches<ClassifierLayout>>(plan.StepsFrom(session.Progress).Select(step => encoder.Step(rows, step, labels)));
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
                var share = Loss(model, micro, step.Weight, training, context.Device);
                share.backward();
                loss += share.item<double>();
            }

            var taken = session.EndStep(loss, step.Tokens, step.StepsInEpoch);
            bar.Advance(1, loss, $"epoch {session.Progress.Epoch + 1}");
            if (session.TimeToLog)
            {
                context.Folder.Metrics.Append(name, taken.Step, ("loss", loss), ("learning_rate", taken.LearningRate), ("grad_norm", taken.GradNorm), ("data_wait", steps.WaitShare));
            }

            if (checks.Count > 0 && session.TimeToEvaluate)
            {
                var predictions = encoder.Predict(checks, 64, training.Precision, context.Device, context.Cancel);
                var accuracy = predictions.Where((row, at) => labels[row.Best] == checks[at].Example.Label).Count() / (double)checks.Count;
                context.Folder.Metrics.Append(name, taken.Step, ("validation_accuracy", accuracy));
                session.Evaluated(accuracy);
            }

            if (session.TimeToSave)
            {
                session.Save();
            }
        }

        session.Complete();
        bar.Finish($"{(session.Progress.BestScore is { } best ? $"{FigureText.Percent(best)} of the validation rows right at best, " : "")}{FigureText.Waited(steps.WaitShare)}");
        return new StudentResult(rows.Count, session.Progress.Step, session.Progress.Loss ?? double.NaN, session.Progress.BestScore, [], session.Progress.Seconds, steps.WaitShare);
    }

    /// <summary>A micro-batch's share of its step's loss.</summary>
    internal static Tensor Loss(ISequenceClassifier model, ClassifierLayout micro, double weight, TrainingOptions training, Device device)
    {
        var batch = micro.To(device);
        Tensor logits;
        using (Precision.Autocast(training.Precision, device))
        {
            logits = model.Forward(batch.Ids, batch.Mask, batch.TypeIds);   // [rows, classes]
        }

        return (batch.Probabilities is { } soft
            ? Losses.DistributionSum(logits, soft, batch.Weights, training.LabelSmoothing)
            : Losses.ClassSum(logits, batch.Labels, batch.Weights, training.LabelSmoothing)) / weight;
    }

    /// <summary>What the student depends on.</summary>
    internal static Fingerprint FingerprintOf(StudentOptions options, TrainingOptions training, long seed, Fingerprint upstream, RunContext context)
    {
        var onHub = options.Model is { } named ? context.FindModel(named) : null;
        var fingerprint = new Fingerprint().AddOptions("student", options with { Model = onHub is null && options.Model is { } local ? context.FetchModel(local) : null, Training = training, SyntheticTraining = null }).Add("seed", seed.ToString()).AddUpstream("rows", upstream);
        return onHub is null ? fingerprint : fingerprint.Add("student.model.commit", $"{onHub.Name} {onHub.Commit}");
    }

    private static (ISequenceClassifier Model, Tokenizer Tokenizer, IReadOnlyList<string> Fresh) Build(StudentOptions options, LabelSet labels, IReadOnlyList<string> vocabularyTexts, long seed, string folder, RunContext context)
    {
        if (options.Model is { } start)
        {
            var checkpoint = context.FetchModel(start);
            var model = AutoModel.LoadForSequenceClassification(checkpoint, [.. labels], seed, out var fresh, options.Lora?.Holding(context.Device) ?? new LoadOptions { Device = context.Device });
            context.Progress.Note($"{options.Name}: {(fresh.Count == 0 ? "all weights come from the checkpoint" : $"new weights: {string.Join(", ", fresh)}")}.");
            return (model, Tokenizer.FromFolder(checkpoint), fresh);
        }

        var path = Path.Combine(folder, "tokenizer.json");
        var tokenizer = File.Exists(path) ? Learnt(path, context) : null;
        if (tokenizer is null)
        {
            Tokenizers.Learn(vocabularyTexts, options.Tokenizer, options.Architecture!.Family, context).Save(path);
            tokenizer = Tokenizer.FromFile(path);
        }

        return (AutoModel.NewSequenceClassifier(Architectures.Classifier(options.Architecture!, tokenizer, [.. labels]), seed, context.Device), tokenizer, []);
    }

    private static Tokenizer? Learnt(string path, RunContext context)
    {
        try
        {
            return Tokenizer.FromFile(path);
        }
        catch (InvalidDataException e)
        {
            context.Progress.Note($"The tokenizer is damaged ({e.Message}), so it is learnt again.");
            return null;
        }
    }
}
