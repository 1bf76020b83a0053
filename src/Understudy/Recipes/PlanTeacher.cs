using System.Diagnostics;
using Understudy.Data;
using Understudy.Models;
using Understudy.Synthesis;
using Understudy.Tokenization;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Plans the stages of a teacher.</summary>
internal static class PlanTeacher
{
    // Of this much text the tokenizer and the number of tokens are as good as of all.
    private const long SampledCharacters = 3_000_000;

    /// <summary>Adds the stages, from pre-training to the rows it writes.</summary>
    /// <returns>The rows that students will learn from, or such as stand for them.</returns>
    public static (List<Example> Annotated, List<Example> Generated) Add(PlanRun run)
    {
        var options = run.Options;
        Tokenizer tokenizer;
        ConfigJson config;
        if (options.Teacher.Model is { } named)
        {
            var folder = run.Context.FetchModel(named);
            (tokenizer, config) = (Tokenizer.FromFolder(folder), ConfigJson.Read(folder));
        }
        else
        {
            (tokenizer, config) = AddPretraining(run, options.Pretrain!);
        }

        var lora = options.Teacher.Lora;
        var shape = new PlanShape<ICausalLanguageModel>(config, AutoModel.BuildCausalLanguageModel, lora, run.Context.Device);
        AddTuning(run, shape, tokenizer, config);
        var rows = Teacher.RowsOf(config, tokenizer, run.Task, shape.Sizes.MaxLength);
        // A merged adapter is in weights that are loaded as float32.
        var atWork = lora is not null && options.Teacher.Merge ? new PlanShape<ICausalLanguageModel>(config, AutoModel.BuildCausalLanguageModel, null, run.Context.Device) : shape;
        PlanScoring.Add(run, atWork, rows, tokenizer, config);
        return (
            [.. run.Finished.Kept(Annotate.FilterStageName, "annotated", options.Annotate.SoftLabels) ?? (options.Annotates ? Annotated(run) : [])],
            [.. run.Finished.Kept(Generate.FilterStageName, "generated", options.Generate.SoftLabels) ?? (options.Generates ? Generated(run) : [])]);
    }

    private static (Tokenizer Tokenizer, ConfigJson Config) AddPretraining(PlanRun run, PretrainOptions options)
    {
        var training = options.Training with { SaveEvery = options.Training.SaveEvery ?? 200 };
        var random = new SeededRandom(options.Training.Seed ?? run.Options.Seed).Fork(Pretrain.StageName);
        var (held, documents) = PretrainingText.Documents(options, run.Data, random, null, run.Context);
        var all = documents.Sum(document => (long)document.Length);
        var characters = 0L;
        var sample = documents.TakeWhile(document => (characters += document.Length) <= SampledCharacters).ToList();
        // What is left out when everything was taken is nothing.
        var times = all <= SampledCharacters ? 1 : all / (double)sample.Sum(document => (long)document.Length);
        var watch = Stopwatch.StartNew();
        var done = run.Finished.Model(Pretrain.StageName, "pretrained");
        var source = options.Model is { } named ? run.Context.FetchModel(named) : null;
        var tokenizer = (done ?? source) is { } folder ? Tokenizer.FromFolder(folder) : PretrainingText.TokenizerOf(options, sample, run.Context);
        var learning = watch.Elapsed.TotalSeconds * Math.Min(times, Math.Max(1, PretrainingText.TokenizerCharacters / (double)SampledCharacters));
        watch.Restart();
        var length = PretrainingText.RowLengthOf(options, Pretrain.MaxLengthOf(options, source));
        var packed = PretrainingText.Encode(tokenizer, sample, options.MaxTokens, length, run.Context);
        var tokens = Math.Min(packed.Count * times, options.MaxTokens ?? long.MaxValue);
        var encoding = watch.Elapsed.TotalSeconds * tokens / packed.Count;
        var rows = Math.Max(1, (int)(tokens / length));
        var config = source is not null ? ConfigJson.Read(source) : NewConfig(options, tokenizer);
        if (done is not null)
        {
            run.AddDone(Pretrain.StageName, 1, rows);
            return (tokenizer, config);
        }

        if (times > 1)
        {
            run.Assumptions.Add($"The text to pre-train on was not read through: its tokens are reckoned from {sample.Count:N0} of {documents.Count:N0} lines.");
        }

        var shape = new PlanShape<ICausalLanguageModel>(config, AutoModel.BuildCausalLanguageModel, null, run.Context.Device);
        var batch = Math.Min(rows, training.BatchSize);
        if (training.MaxTokensPerBatch is { } most) batch = Math.Clamp(most / length, 1, batch);
        using var layouts = new CausalObjective(AutoModel.BuildCausalLanguageModel(config, new OutlineParameters(), run.Context.Device), tokenizer);
        var pieces = packed.Pieces(Enumerable.Range(0, batch).Select(row => row % packed.Rows), Math.Min(length, layouts.LongestPiece));
        var layout = layouts.Layout(pieces, random);
        var work = run.Meter.Measure(Pretrain.StageName, shape, trains: true, shape.Narrows(training.Precision), [layout], rows => rows.Tokens, shape.Activations(batch, length, shape.Narrows(training.Precision), training.GradientCheckpointing),
            own => new TrainingWork<ICausalLanguageModel, PretrainingBatch>(own, training, (model, rows) => Pretrain.Loss(new CausalObjective(model, tokenizer), rows, rows.Count, training, run.Context.Device)));
        // A forward pass on held-out rows takes a third of a training step's.
        var heldOut = work.Batches[0] / 3 * rows / batch * held.Count / documents.Count;
        run.Add(new StagePlan(Pretrain.StageName, 1, 0, rows, 0, null, 0, null, 0, null, work.Basis), [Pretrain.StageName], "pretrain.training", shape, mayAdapt: false, training,
            [.. Enumerable.Repeat(length, rows)], random.Seed, work, [batch * (double)length], learning + encoding + heldOut + run.WriteSeconds(shape.WeightBytes), 0);
        return (tokenizer, config);
    }

    private static ConfigJson NewConfig(PretrainOptions options, Tokenizer tokenizer)
    {
        using var model = new GptNeoxForCausalLM(Architectures.GptNeox(options.Architecture, tokenizer), new OutlineParameters());
        return new ConfigJson(model.ToConfigJson(), "the model of 'pretrain'");
    }

    private static void AddTuning(PlanRun run, PlanShape<ICausalLanguageModel> shape, Tokenizer tokenizer, ConfigJson config)
    {
        var options = run.Options.Teacher;
        var training = options.Tune;
        var teacher = Teacher.RowsOf(config, tokenizer, run.Task, Math.Min(training.MaxLength ?? shape.Sizes.MaxLength, shape.Sizes.MaxLength));
        var watch = Stopwatch.StartNew();
        var rows = FineTuneTeacher.Rows(teacher, options, run.Data, run.Options.Generates);
        var encoding = watch.Elapsed.TotalSeconds;
        int[] lengths = [.. rows.Select(row => row.Ids.Length)];
        var plan = new BatchPlan(lengths, training, training.Seed ?? run.Options.Seed);
        if (run.Finished.Has(FineTuneTeacher.StageName))
        {
            run.AddDone(FineTuneTeacher.StageName, 1, rows.Count, plan.TotalSteps());
            return;
        }

        var padding = Teacher.PaddingOf(config);
        var narrow = shape.Narrows(training.Precision);
        var chosen = BatchTimes.ToMeasure(plan.Epoch(0).SelectMany(step => step), batch => batch.Sum(row => (double)lengths[row]));
        TeacherLayout[] batches = [.. chosen.Select(batch => TeacherLayout.Step(rows, new StepRows([batch], 1), padding).Batches[0])];
        // Nothing is computed for padding.
        double Tokens(TeacherLayout batch) => batch.Tokens.Tokens;
        var work = run.Meter.Measure("tune", shape, trains: true, narrow, batches, Tokens, shape.Activations(batches[^1].Tokens.Rows, batches[^1].Tokens.Columns, narrow, training.GradientCheckpointing),
            own => new TrainingWork<ICausalLanguageModel, TeacherLayout>(own, training, (model, batch) => FineTuneTeacher.Loss(model, batch, 1000, training, run.Context.Device)));
        var sizes = batches.Select(Tokens).ToList();
        var validation = training.SelectsModel && run.Data.Validation.Count > 0
            ? new BatchTimes(sizes.Zip(work.Batches)).Seconds(sizes[^1]) / sizes[^1] / 3 * ParallelRows.Select(run.Data.Validation, teacher.Prompt).Sum(prompt => (double)prompt.Length)
            : 0;
        run.Add(new StagePlan(FineTuneTeacher.StageName, 1, 0, rows.Count, 0, null, 0, null, 0, null, work.Basis), [FineTuneTeacher.StageName], "teacher.tune", shape, mayAdapt: true, training,
            lengths, training.Seed ?? run.Options.Seed, work, sizes, encoding + run.WriteSeconds(options.Lora is null || options.Merge ? 4 * shape.Parameters : 4 * shape.Adapter), validation);
    }

    private static List<Example> Annotated(PlanRun run)
    {
        run.Assumptions.Add("Students on annotated rows are reckoned as if the filters let every row pass.");
        return [.. Annotate.Chosen(run.Options.Annotate, run.Data, run.Options.Seed).Select(row => WithLabel(row, run.Data.Labels, run.Options.Annotate.SoftLabels))];
    }

    // A teacher writes texts like those it has learnt from.
    private static List<Example> Generated(PlanRun run)
    {
        run.Assumptions.Add("Written texts are reckoned as long as the seeds, and each label as having all its rows.");
        var count = run.Options.Generate.PerLabel * run.Data.Labels.Count;
        return [.. Enumerable.Range(0, count).Select(i => WithLabel(run.Data.Train[i % run.Data.Train.Count] with { Id = $"generated:{i}" }, run.Data.Labels, run.Options.Generate.SoftLabels && run.Options.Generate.Relabel != RelabelMode.None))];
    }

    private static Example WithLabel(Example row, LabelSet labels, bool soft) => row with
    {
        Label = row.Label ?? labels[0],
        LabelProbabilities = soft ? labels.ToDictionary(label => label, _ => 1.0 / labels.Count) : null,
    };
}
