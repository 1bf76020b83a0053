using System.Diagnostics;
using Understudy.Data;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Plans the trainings of students and their tests.</summary>
internal static class PlanStudents
{
    // Of this much text the tokenizer is as good as of all.
    private const long SampledCharacters = 3_000_000;

    /// <summary>Adds the stages of every student.</summary>
    public static void Add(PlanRun run, List<Example> annotated, List<Example> generated)
    {
        for (var i = 0; i < run.Options.Students.Count; i++)
        {
            Add(run, run.Options.Students[i], i, annotated, generated);
        }
    }

    private static void Add(PlanRun run, StudentOptions student, int number, List<Example> annotated, List<Example> generated)
    {
        var (tokenizer, config, learning) = Begin(run, student);
        var shape = new PlanShape<ISequenceClassifier>(config, (json, source, device) => AutoModel.BuildSequenceClassifier(json, [.. run.Data.Labels], source, device), student.Lora, run.Context.Device);
        var section = $"students.{number}";
        using var outline = AutoModel.BuildSequenceClassifier(config, [.. run.Data.Labels], new OutlineParameters(), Torch.Device.CPU);
        foreach (var same in run.Options.Arms.GroupBy(student.TrainingOn))
        {
            var training = same.Key;
            var encoder = new ClassifierRows(tokenizer, outline, training.MaxLength);
            var watch = Stopwatch.StartNew();
            var arms = same.ToDictionary(arm => arm, arm => encoder.Encode([.. Distill.RowsOf(arm, run.Data, annotated, generated).Where(row => row.Weight > 0)]));
            var encoding = watch.Elapsed.TotalSeconds / arms.Sum(arm => arm.Value.Count);
            var left = arms.Where(arm => Names(run, student, arm.Key).Any(name => !run.Finished.Has(name))).Select(arm => arm.Value).ToList();
            var (work, sizes) = left.Count > 0 ? Measure(run, student, shape, training, encoder, left) : (null, []);
            var checks = training.SelectsModel && run.Data.Validation.Count > 0 && work is not null
                ? new BatchTimes(sizes.Zip(work.Batches)).Seconds(sizes[^1]) / sizes[^1] / 3 * encoder.Encode(run.Data.Validation).Sum(row => (double)row.Ids.Length)
                : 0;
            foreach (var (arm, rows) in arms)
            {
                var names = Names(run, student, arm);
                var name = $"{student.Name}.{Distill.NameOf(arm)}";
                var done = names.Count(run.Finished.Has);
                if (done == names.Length)
                {
                    run.AddDone(name, done, rows.Count);
                    continue;
                }

                var apart = learning + (encoding * rows.Count) + run.WriteSeconds(student.Lora is null ? 4 * shape.Parameters : 4 * shape.Adapter);
                run.Add(new StagePlan(name, names.Length, done, rows.Count, 0, null, 0, null, 0, null, work!.Basis), names, $"{section}.{(student.SyntheticTraining is not null && arm != RunArm.SeedsOnly ? "synthetic_training" : "training")}",
                    shape, student.Model is not null, training, [.. rows.Select(row => row.Ids.Length)], Distill.SeedOf(run.Options, training, 1), work, sizes, apart, checks);
            }
        }

        if (run.Data.Test.Count > 0)
        {
            AddTests(run, student, shape, new ClassifierRows(tokenizer, outline, null), tokenizer);
        }
    }

    private static string[] Names(PlanRun run, StudentOptions student, RunArm arm) => [.. Enumerable.Range(1, run.Options.Repeats).Select(repeat => ArmResult.NameOf(student.Name, arm, repeat))];

    private static (Tokenizer Tokenizer, ConfigJson Config, double Learning) Begin(PlanRun run, StudentOptions student)
    {
        if (student.Model is { } start)
        {
            var folder = run.Context.FetchModel(start);
            return (Tokenizer.FromFolder(folder), ConfigJson.Read(folder), 0);
        }

        var texts = Distill.VocabularyTexts(run.Data);
        var (all, characters) = (texts.Sum(text => (long)text.Length), 0L);
        var watch = Stopwatch.StartNew();
        var tokenizer = Tokenizers.Learn(texts.TakeWhile(text => (characters += text.Length) <= SampledCharacters), student.Tokenizer, student.Architecture!.Family, run.Context);
        var learning = watch.Elapsed.TotalSeconds * Math.Max(1, all / (double)SampledCharacters);
        using var model = AutoModel.NewSequenceClassifier(Architectures.Classifier(student.Architecture!, tokenizer, [.. run.Data.Labels]), new OutlineParameters());
        return (tokenizer, new ConfigJson(model.ToConfigJson(), $"the model of the student '{student.Name}'"), learning);
    }

    private static (PlanSample Work, List<double> Sizes) Measure(PlanRun run, StudentOptions student, PlanShape<ISequenceClassifier> shape, TrainingOptions training, ClassifierRows encoder, List<IReadOnlyList<ClassifierRow>> arms)
    {
        var chosen = BatchTimes.ToMeasure(arms.SelectMany(rows => new BatchPlan([.. rows.Select(row => row.Ids.Length)], training, 1).Epoch(0).SelectMany(step => step).Select(batch => (Rows: rows, Batch: batch))),
            one => one.Batch.Sum(row => (double)one.Rows[row].Ids.Length));
        ClassifierLayout[] batches = [.. chosen.Select(one => encoder.Step(one.Rows, new StepRows([one.Batch], 1), run.Data.Labels).Batches[0])];
        // Nothing is computed for padding.
        double Tokens(ClassifierLayout batch) => batch.Tokens.Tokens;
        var narrow = shape.Narrows(training.Precision);
        var work = run.Meter.Measure($"train {student.Name}", shape, trains: true, narrow, batches, Tokens, shape.Activations(batches[^1].Tokens.Rows, batches[^1].Tokens.Columns, narrow, training.GradientCheckpointing),
            own => new TrainingWork<ISequenceClassifier, ClassifierLayout>(own, training, (model, batch) => TrainStudent.Loss(model, batch, batch.Labels.Length, training, run.Context.Device)));
        return (work, [.. batches.Select(Tokens)]);
    }

    private static void AddTests(PlanRun run, StudentOptions student, PlanShape<ISequenceClassifier> shape, ClassifierRows encoder, Tokenizer tokenizer)
    {
        var options = run.Options.Evaluation;
        string[] names = [.. run.Options.Arms.SelectMany(arm => Names(run, student, arm)).Select(name => $"{name}.evaluate")];
        var done = names.Count(run.Finished.Has);
        var rows = run.Data.Test.Count;
        if (done == names.Length)
        {
            run.AddDone($"{student.Name}.evaluate", done, rows);
            return;
        }

        var watch = Stopwatch.StartNew();
        var tests = encoder.Encode(run.Data.Test);
        var encoding = watch.Elapsed.TotalSeconds;
        ClassifierRow[][] all = [.. tests.OrderBy(row => row.Ids.Length).Chunk(options.BatchSize)];
        double Tokens(ClassifierRow[] batch) => batch.Sum(row => (double)row.Ids.Length);
        var batches = BatchTimes.ToMeasure(all, Tokens);
        var work = run.Meter.Measure($"test {student.Name}", shape, trains: false, shape.Narrows(options.Precision), batches, Tokens, shape.Activations(batches[^1].Length, batches[^1].Max(row => row.Ids.Length), shape.Narrows(options.Precision), checkpointed: true),
            own =>
            {
                var predictor = new ClassifierRows(tokenizer, own.Model, null);
                return new ForwardWork<ClassifierRow[]>(batch => _ = predictor.Predict(batch, batch.Length, options.Precision, run.Context.Device, run.Context.Cancel));
            });
        var times = new BatchTimes(batches.Select(Tokens).Zip(work.Batches));
        watch.Restart();
        _ = EvaluationResult.Of([.. run.Data.Labels], [.. run.Data.Test.Select(row => run.Data.Labels.IndexOf(row.Label!))], [.. run.Data.Test.Select(_ => run.Data.Labels.Select(_ => 1.0 / run.Data.Labels.Count).ToArray())], options, run.Options.Seed);
        var measuring = watch.Elapsed.TotalSeconds;
        run.Stages.Add(new StagePlan($"{student.Name}.evaluate", names.Length, done, rows, tests.Sum(row => (long)row.Ids.Length), null, work.Build + (work.Beginning / (names.Length - done)) + encoding + measuring + all.Sum(batch => times.Seconds(Tokens(batch))), null, work.Peak, work.DevicePeak, work.Basis));
        run.Needs.Add(new PlanNeed($"{student.Name}.evaluate", "evaluation", null, batches[^1].Length, batches[^1].Max(row => row.Ids.Length), shape, MayAdapt: false, work.DevicePeak is null ? work.Before : 0, work.DevicePeak ?? work.Peak));
    }
}
