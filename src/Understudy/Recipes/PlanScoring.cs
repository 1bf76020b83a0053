using System.Diagnostics;
using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Synthesis;
using Understudy.Tokenization;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Plans what a tuned teacher does: its test, the labels it gives and the texts it writes.</summary>
internal static class PlanScoring
{
    // A filter's time for each row; more rows than this say nothing more.
    private const int FilteredRows = 2000;

    /// <summary>Adds the stages.</summary>
    public static void Add(PlanRun run, PlanShape<ICausalLanguageModel> shape, TeacherRows teacher, Tokenizer tokenizer, ConfigJson config)
    {
        var (options, data, finished) = (run.Options, run.Data, run.Finished);
        var pool = options.Annotates ? Annotate.Chosen(options.Annotate, data, options.Seed) : [];
        int[][] tests = ParallelRows.Select(data.Test, teacher.Prompt);
        int[][] prompts = ParallelRows.Select(pool, teacher.Prompt);
        var labels = options.Generates && options.Generate.Relabel != RelabelMode.None;
        var size = options.Annotate.BatchSize;
        var tested = Batches([.. tests], size);
        // A journal's chunk is a call of its own.
        var annotated = prompts.Chunk(Annotate.Chunk).SelectMany(chunk => Batches(chunk, size)).ToList();
        var written = labels ? Batches(ParallelRows.Select(data.Train, teacher.Prompt), size) : [];
        var annotates = options.Annotates && pool.Count > 0 && !finished.Has(Annotate.FilterStageName);
        var generates = options.Generates && !finished.Has(Generate.FilterStageName);
        List<int[][]> left =
        [
            .. finished.Has("evaluate-teacher") ? [] : tested,
            .. annotates && !finished.Has(Annotate.StageName) ? annotated : [],
            .. generates && !finished.Has(Generate.StageName) ? written : [],
        ];
        var precision = options.Teacher.Tune.Precision;
        PlanSample? work = null;
        BatchTimes? times = null;
        if (left.Count > 0)
        {
            var batches = BatchTimes.ToMeasure(left, Tokens);
            var (rows, length) = (batches[^1].Length, batches[^1].Max(prompt => prompt.Length));
            work = run.Meter.Measure("score labels", shape, trains: false, shape.Narrows(precision), batches, Tokens, Inference(shape, rows, length),
                own =>
                {
                    var scorer = new LabelScorer(own.Model, teacher.LabelTokens, options.Annotate.LengthNormalize);
                    return new ForwardWork<int[][]>(batch =>
                    {
                        using var autocast = Precision.Autocast(precision, run.Context.Device);
                        _ = scorer.Score(batch, batch.Length, run.Context.Cancel).Count();
                    });
                });
            times = new BatchTimes(batches.Select(Tokens).Zip(work.Batches));
        }

        double Seconds(IEnumerable<int[][]> all) => all.Sum(batch => times!.Seconds(Tokens(batch)));
        void Stage(string name, IReadOnlyList<int[][]> all, long rows)
        {
            if (finished.Has(name))
            {
                run.AddDone(name, 1, rows);
                return;
            }

            var beginning = run.Stages.Exists(stage => stage.Basis != PlanBasis.None && stage.Name == "evaluate-teacher") ? 0 : work!.Beginning;
            run.Stages.Add(new StagePlan(name, 1, 0, rows, all.Sum(batch => batch.Sum(prompt => (long)prompt.Length)), null, work!.Build + beginning + Seconds(all), null, work.Peak, work.DevicePeak, work.Basis));
            run.Needs.Add(new PlanNeed(name, "annotate", null, all.Max(batch => batch.Length), all.Max(batch => batch.Max(prompt => prompt.Length)), shape, options.Teacher.Lora is null, work.DevicePeak is null ? work.Before : 0, work.DevicePeak ?? work.Peak));
        }

        if (tests.Length > 0) Stage("evaluate-teacher", tested, tests.Length);
        if (options.Annotates && pool.Count > 0)
        {
            if (annotates) Stage(Annotate.StageName, annotated, pool.Count);
            else run.AddDone(Annotate.StageName, 1, pool.Count);
            Filter(run, Annotate.FilterStageName, options.Annotate.Filters, pool.Count);
        }

        if (options.Generates)
        {
            if (generates && !finished.Has(Generate.StageName)) Write(run, shape, teacher, tokenizer, config, labels ? count => Seconds(Cut(written, count)) : _ => 0);
            else run.AddDone(Generate.StageName, 1, (long)options.Generate.PerLabel * data.Labels.Count);
            Filter(run, Generate.FilterStageName, options.Generate.Filters, options.Generate.PerLabel * data.Labels.Count);
        }
    }

    private static double Tokens(int[][] batch) => (double)batch.Length * batch.Max(prompt => prompt.Length);

    private static List<int[][]> Batches(IReadOnlyCollection<int[]> prompts, int size) => [.. prompts.OrderBy(prompt => prompt.Length).Chunk(size)];

    // As many rows as asked for, of batches that come again and again.
    private static IEnumerable<int[][]> Cut(List<int[][]> batches, int rows)
    {
        for (var i = 0; rows > 0; rows -= batches[i++ % batches.Count].Length) yield return batches[i % batches.Count];
    }

    // Without gradients a block's numbers are gone when the next one is computed.
    private static double Inference(PlanShape<ICausalLanguageModel> shape, int rows, int length) =>
        shape.Activations(rows, length, narrow: false, checkpointed: true) / 2 + CacheBytes(shape, rows, length);

    private static double CacheBytes(PlanShape<ICausalLanguageModel> shape, int rows, int length) => 8.0 * shape.Layers * shape.Sizes.KeyValueHeads * shape.Sizes.HeadDim * rows * length;

    private static void Write(PlanRun run, PlanShape<ICausalLanguageModel> shape, TeacherRows teacher, Tokenizer tokenizer, ConfigJson config, Func<int, double> scoring)
    {
        var (options, data) = (run.Options.Generate, run.Data);
        GenerationPrompt[] prompts = [.. data.Labels.Select((label, i) => new GenerationPrompt(
            teacher.GenerationPrompt(label, data.Train.Where(row => run.Task.ModelChoosesLabel || row.Label == label).Take(options.SeedsInPrompt)), i + 1, options.SamplesPerPrompt))];
        int[] lengths = [.. ParallelRows.Select(data.Train, seed => Math.Min(teacher.Encode(run.Task.GenerationCompletion(seed)).Count + 1, options.Sampling.MaxNewTokens))];
        var full = prompts.OrderByDescending(prompt => prompt.Tokens.Count).Take(Math.Max(1, options.BatchSize / options.SamplesPerPrompt)).ToArray();
        var few = full[..Math.Max(1, full.Length / 4)];
        if (few.Length == full.Length && options.SamplesPerPrompt > 3) few = [full[0] with { Samples = options.SamplesPerPrompt / 4 }];
        var some = Math.Clamp(options.Sampling.MaxNewTokens, 2, 17);
        WritingBatch[] batches = [new(few, 1), new(few, some), new(full, 1), new(full, some)];
        var precision = run.Options.Teacher.Tune.Precision;
        var (rows, length) = (batches[^1].Rows, full.Max(prompt => prompt.Tokens.Count) + options.Sampling.MaxNewTokens);
        var work = run.Meter.Measure("write texts", shape, trains: false, shape.Narrows(precision), batches, batch => batch.PromptTokens + (batch.Rows * batch.NewTokens), Inference(shape, rows, length),
            own => new WritingWork(own.Model, tokenizer, options.Sampling, precision, run.Context.Device, run.Context.Cancel));
        var prompting = new BatchTimes([(batches[0].PromptTokens, work.Batches[0]), (batches[2].PromptTokens, work.Batches[2])]);
        double Step(int at) => Math.Max(1e-6, (work.Batches[at + 1] - work.Batches[at]) / (some - 1));
        var stepping = new BatchTimes([(batches[0].Rows, Step(0)), (batches[2].Rows, Step(2))]);
        double Seconds(int rounds) => PlanWriting.Seconds(prompts, lengths, rounds, options.BatchSize, prompting, stepping) + scoring(rounds * prompts.Length * options.SamplesPerPrompt);
        var fewest = (int)Math.Ceiling(options.PerLabel / (double)options.SamplesPerPrompt);
        var most = Math.Max(fewest, (int)Math.Ceiling(options.PerLabel * options.MaxAttempts / options.SamplesPerPrompt));
        var likely = Math.Min(most, (int)Math.Ceiling(2.0 * options.PerLabel / options.SamplesPerPrompt));
        run.Assumptions.Add($"Of written texts half are taken to pass the filters, so that '{Generate.StageName}' takes {likely} rounds of {prompts.Length * options.SamplesPerPrompt:N0} texts; it may take from {fewest} to {most}.");
        var texts = (long)likely * prompts.Length * options.SamplesPerPrompt;
        var later = (long)CacheBytes(shape, rows, options.Sampling.MaxNewTokens - some);
        run.Stages.Add(new StagePlan(Generate.StageName, 1, 0, texts, (long)(texts * lengths.Average()) + (likely * prompts.Sum(prompt => (long)prompt.Tokens.Count)), null,
            work.Build + work.Beginning + Seconds(likely), work.Build + work.Beginning + Seconds(most), work.Peak + (work.DevicePeak is null ? later : 0), work.DevicePeak + later, work.Basis));
        run.Needs.Add(new PlanNeed(Generate.StageName, "generate", null, rows, length, shape, run.Options.Teacher.Lora is null, work.DevicePeak is null ? work.Before : 0, (work.DevicePeak ?? work.Peak) + later));
    }

    private static void Filter(PlanRun run, string name, FilterOptions options, int rows)
    {
        if (run.Finished.Has(name))
        {
            run.AddDone(name, 1, rows);
            return;
        }

        Example[] looked = [.. (run.Data.Unlabelled.Count > 0 ? run.Data.Unlabelled : run.Data.Train).Take(Math.Min(rows, FilteredRows)).Select(row => row with { Label = row.Label ?? run.Data.Labels[0] })];
        var watch = Stopwatch.StartNew();
        var filter = new RowFilter(options, run.Data.Train, run.Data.Validation, run.Data.Test);
        var begun = watch.Elapsed.TotalSeconds;
        foreach (var row in looked)
        {
            _ = filter.Judge(row, null);
        }

        var each = (watch.Elapsed.TotalSeconds - begun) / Math.Max(1, looked.Length);
        run.Stages.Add(new StagePlan(name, 1, 0, rows, 0, null, begun + (each * rows), null, 0, null, PlanBasis.Measured));
    }
}
