using Understudy.Data;
using Understudy.Runs;
using Understudy.Synthesis;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Lets the teacher label unlabelled texts: the distribution over the labels, by label scoring (arXiv 2310.01119, "annotation").</summary>
public static class Annotate
{
    internal const string StageName = "annotate", FilterStageName = "filter-annotated";

    /// <summary>Rows scored between two writes to the journal: what a kill loses at most.</summary>
    internal const int Chunk = 512;

    /// <summary>Labels the pool and asks the filters. Scores go to the journal 512 rows at a time; an interrupted stage goes on after the last of these chunks.</summary>
    /// <param name="options">How.</param>
    /// <param name="teacherFolder">The tuned teacher.</param>
    /// <param name="task">The task.</param>
    /// <param name="data">The pool, what its rows must not repeat, and hidden labels to report the accuracy against.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="precision">The arithmetic.</param>
    /// <param name="upstream">Fingerprint of the teacher.</param>
    /// <param name="context">The run.</param>
    public static (IReadOnlyList<SyntheticRow> Rows, Fingerprint Fingerprint, SynthesisResult Result) Run(AnnotateOptions options, string teacherFolder, ClassificationTask task, DataSets data, long seed, PrecisionMode precision, Fingerprint upstream, RunContext context)
    {
        var (scoring, fingerprint) = FingerprintsOf(options, seed, upstream);
        var (path, prompts) = (context.Folder.Rows("annotated"), context.Folder.Rows("annotated-prompts"));
        var stage = context.Begin(FilterStageName, fingerprint, path, prompts);
        if (stage.State != StageState.Finished)
        {
            var pool = Chosen(options, data, seed);
            var scores = Score(options, teacherFolder, task, pool, precision, scoring, context);
            var rows = Judged(options, task, data, pool, scores, upstream);
            JsonRows.Write(prompts, [PromptText.Of(task.PromptTemplate)]);
            JsonRows.Write(path, rows);
            var result = SynthesisResult.Of(rows, data.HiddenLabels);
            context.Folder.Metrics.DropAfter(StageName, -1);
            context.Folder.Metrics.Append(StageName, 0, [("rows", result.Rows), ("kept", result.Kept), .. result.Accuracy is { } accuracy ? new (string, double)[] { ("accuracy", accuracy), ("kept_accuracy", result.KeptAccuracy ?? double.NaN) } : []]);
            stage.Finish(result);
            context.Progress.Note($"{StageName}: {result.InWords()}");
        }

        return (JsonRows.Read<SyntheticRow>(path), fingerprint, stage.Result<SynthesisResult>());
    }

    /// <summary>What the scores and what the rows depend on.</summary>
    /// <remarks>What the teacher says does not depend on what is made of it, so a changed filter leaves the scores standing.</remarks>
    internal static (Fingerprint Scores, Fingerprint Rows) FingerprintsOf(AnnotateOptions options, long seed, Fingerprint upstream)
    {
        var scoring = new Fingerprint().AddOptions("annotate", options with { Filters = new(), SoftLabels = true }).Add("seed", seed.ToString()).AddUpstream("tune", upstream);
        return (scoring, new Fingerprint().AddOptions("annotate.filters", options.Filters).Add("annotate.soft_labels", options.SoftLabels.ToString()).AddUpstream(StageName, scoring));
    }

    private static Dictionary<string, double[]> Score(AnnotateOptions options, string teacherFolder, ClassificationTask task, List<Example> pool, PrecisionMode precision, Fingerprint fingerprint, RunContext context)
    {
        var stage = context.Begin(StageName, fingerprint);
        using var journal = Journal<ScoredText>.Open(Path.Combine(stage.Folder, "scores.jsonl"), row => row.Id);
        // A chunk cut short is scored again as a whole: the same rows side by side give the same figures to the last bit.
        var left = pool.Chunk(Chunk).Where(chunk => !chunk.All(row => journal.Contains(row.Id))).ToList();
        if (left.Count > 0)
        {
            using var bar = context.Progress.Start(StageName, pool.Count, "rows");
            bar.Advance(journal.Count);
            using var teacher = context.LoadTeacher(teacherFolder, task);
            using var autocast = Precision.Autocast(precision, context.Device);
            teacher.ForInferenceAlone();
            var scorer = teacher.Scorer(options);
            var reuse = new PrefixReuse();
            foreach (var chunk in left)
            {
                context.Cancel.ThrowIfCancellationRequested();
                var before = journal.Count;
                foreach (var score in scorer.Score(ParallelRows.Select(chunk, teacher.Rows.Prompt), options.BatchSize, context.Cancel).OrderBy(score => score.Prompt).ToList())
                {
                    journal.Append(new ScoredText(chunk[score.Prompt].Id, score.Probabilities));
                }

                reuse.Add(scorer.Statistics);
                bar.Advance(journal.Count - before);
            }

            bar.Finish($"{journal.Count:N0} rows{reuse.InWords()}");
        }

        if (stage.State != StageState.Finished)
        {
            stage.Finish(new JournalResult(journal.Count));
        }

        return journal.Read().ToDictionary(row => row.Id, row => row.Probabilities);
    }

    /// <summary>The rows of the pool to label.</summary>
    internal static List<Example> Chosen(AnnotateOptions options, DataSets data, long seed)
    {
        if (options.MaxRows is not { } most || most >= data.Unlabelled.Count)
        {
            return [.. data.Unlabelled];
        }

        var order = new SeededRandom(seed).Fork("annotate").Permutation(data.Unlabelled.Count);
        return [.. order.Take(most).Select(row => data.Unlabelled[row])];
    }

    private static List<SyntheticRow> Judged(AnnotateOptions options, ClassificationTask task, DataSets data, List<Example> pool, Dictionary<string, double[]> scores, Fingerprint teacher)
    {
        var filter = new RowFilter(options.Filters, data.Train, data.Validation, data.Test);
        var prompt = PromptText.Of(task.PromptTemplate).Id;
        return
        [
            .. pool.Select(example =>
            {
                var probabilities = task.Labels.Named(scores[example.Id]);
                var labelled = example with { Label = probabilities.MaxBy(pair => pair.Value).Key };
                var (verdict, reason) = filter.Judge(labelled, probabilities);
                return new SyntheticRow
                {
                    Id = example.Id,
                    Mode = SynthesisMode.Annotated,
                    PromptId = prompt,
                    Text = example.Text,
                    TextPair = example.TextPair,
                    Label = labelled.Label,
                    Scores = probabilities,
                    Teacher = teacher.ToString()[..16],
                    Verdict = verdict,
                    Reason = reason,
                };
            }),
        ];
    }
}

/// <summary>What the teacher said of a text: a line of the journal of scores.</summary>
/// <param name="Id">Id of the text.</param>
/// <param name="Probabilities">The probability of every label, in class order.</param>
internal sealed record ScoredText(string Id, double[] Probabilities);

/// <summary>How many lines a finished stage's journal has.</summary>
internal sealed record JournalResult(int Lines);
