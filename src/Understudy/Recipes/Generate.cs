using Understudy.Data;
using Understudy.Runs;
using Understudy.Synthesis;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Lets the teacher write new texts for every label (arXiv 2310.01119, "generation").</summary>
public static class Generate
{
    internal const string StageName = "generate", FilterStageName = "filter-generated";

    /// <summary>Writes texts until each label has its quota of rows that pass the filters, or its attempts are used up. An interrupted stage goes on where its journal ends.</summary>
    /// <param name="options">How.</param>
    /// <param name="annotate">How the teacher labels what it wrote.</param>
    /// <param name="teacherFolder">The tuned teacher.</param>
    /// <param name="task">The task.</param>
    /// <param name="data">Seeds and held-out rows, which a new text must not repeat.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="precision">The arithmetic.</param>
    /// <param name="upstream">Fingerprint of the teacher.</param>
    /// <param name="context">The run.</param>
    /// <remarks>
    /// The journal holds what the teacher wrote and thinks of it; verdicts follow from it. With other filters or a larger quota the journal stands and
    /// is read again, and the teacher is asked only for the rounds of which a text is missing.
    /// </remarks>
    public static (IReadOnlyList<SyntheticRow> Rows, Fingerprint Fingerprint, SynthesisResult Result) Run(GenerateOptions options, AnnotateOptions annotate, string teacherFolder, ClassificationTask task, DataSets data, long seed, PrecisionMode precision, Fingerprint upstream, RunContext context)
    {
        var (writing, fingerprint) = FingerprintsOf(options, annotate, seed, upstream);
        var (path, promptsPath) = (context.Folder.Rows("generated"), context.Folder.Rows("generated-prompts"));
        var stage = context.Begin(FilterStageName, fingerprint, path, promptsPath);
        if (stage.State != StageState.Finished)
        {
            var (rows, prompts) = Write(options, annotate, teacherFolder, task, data, options.Sampling.Seed ?? seed, precision, upstream, context.Begin(StageName, writing), context);
            JsonRows.Write(promptsPath, prompts);
            JsonRows.Write(path, rows);
            var result = SynthesisResult.Of(rows, new Dictionary<string, string>());
            context.Folder.Metrics.DropAfter(StageName, -1);
            context.Folder.Metrics.Append(StageName, 0, ("rows", result.Rows), ("kept", result.Kept));
            stage.Finish(result);
            context.Progress.Note($"{StageName}: {result.InWords()}");
        }

        return (JsonRows.Read<SyntheticRow>(path), fingerprint, stage.Result<SynthesisResult>());
    }

    /// <summary>What the texts and what the rows depend on.</summary>
    internal static (Fingerprint Texts, Fingerprint Rows) FingerprintsOf(GenerateOptions options, AnnotateOptions annotate, long seed, Fingerprint upstream)
    {
        var wording = options with { Filters = new(), SoftLabels = true, PerLabel = 1, MaxAttempts = 1, Relabel = options.Relabel == RelabelMode.None ? RelabelMode.None : RelabelMode.Check };
        var writing = new Fingerprint().AddOptions(StageName, wording).Add("seed", (options.Sampling.Seed ?? seed).ToString()).AddUpstream("tune", upstream);
        if (options.Relabel != RelabelMode.None)
        {
            writing.Add("scoring", $"{annotate.LengthNormalize} {annotate.Calibrate}");
        }

        return (writing, new Fingerprint().AddOptions(StageName, options).AddUpstream(StageName, writing));
    }

    private static (List<SyntheticRow> Rows, IEnumerable<PromptText> Prompts) Write(GenerateOptions options, AnnotateOptions annotate, string teacherFolder, ClassificationTask task, DataSets data, long seed, PrecisionMode precision, Fingerprint upstream, RunStage stage, RunContext context)
    {
        using var journal = Journal<WrittenText>.Open(Path.Combine(stage.Folder, "texts.jsonl"), text => text.Id);
        var written = journal.Read().ToDictionary(text => text.Id);
        using var writer = new TextWriting(options, annotate, teacherFolder, task, data, seed, precision, context);
        using var bar = context.Progress.Start(StageName, (long)options.PerLabel * task.Labels.Count, "rows");
        var quota = new LabelQuota(options, task.Labels.Count, task.ModelChoosesLabel);
        var judge = new WrittenTextJudge(options, task, data, quota, upstream);
        var rows = new List<SyntheticRow>();
        var prompts = new OrderedDictionary<string, PromptText>();
        while (quota.NextRound() is { Count: > 0 } asked)
        {
            context.Cancel.ThrowIfCancellationRequested();
            var before = quota.Kept;
            var wanted = asked.Select(label => writer.Prompt(label, quota.Round)).ToList();
            // A round cut short is written again as a whole: the same prompts side by side give the same texts to the last bit.
            if (!wanted.All(prompt => prompt.Ids.All(written.ContainsKey)))
            {
                foreach (var text in writer.Write(wanted).Where(journal.Append))
                {
                    written.Add(text.Id, text);
                }
            }

            foreach (var prompt in wanted)
            {
                prompts.TryAdd(prompt.Text.Id, prompt.Text);
                rows.AddRange(prompt.Ids.Select(id => judge.Row(written[id])));
            }

            bar.Advance(quota.Kept - before, detail: $"{quota.Attempts:N0} attempts");
        }

        if (stage.State != StageState.Finished)
        {
            stage.Finish(new JournalResult(journal.Count));
        }

        bar.Finish($"{quota.Kept:N0} kept of {quota.Attempts:N0} attempts{writer.Reuse.InWords()}");
        return (rows, prompts.Values);
    }
}
