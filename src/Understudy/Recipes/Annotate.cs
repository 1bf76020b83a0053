using Understudy.Data;
using Understudy.Generation;
using Understudy.Runs;
using Understudy.Synthesis;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What the synthesis of rows came to.</summary>
/// <param name="Rows">Rows made, kept or not.</param>
/// <param name="Verdicts">How many rows have each verdict.</param>
/// <param name="Accuracy">Share of right labels among the rows whose true label is known but hidden; null when none is.</param>
public sealed record SynthesisResult(int Rows, IReadOnlyDictionary<string, int> Verdicts, double? Accuracy)
{
    /// <summary>Counts rows.</summary>
    /// <param name="rows">All rows of a stage.</param>
    /// <param name="hiddenLabels">True labels by row id, where they are known.</param>
    internal static SynthesisResult Of(IReadOnlyList<SyntheticRow> rows, IReadOnlyDictionary<string, string> hiddenLabels)
    {
        var known = rows.Where(row => hiddenLabels.ContainsKey(row.Id)).ToList();
        return new SynthesisResult(
            rows.Count,
            rows.GroupBy(row => row.Verdict.ToString()).OrderBy(group => group.Key, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Count()),
            known.Count == 0 ? null : (double)known.Count(row => row.Label == hiddenLabels[row.Id]) / known.Count);
    }

    /// <summary>The counts in words.</summary>
    internal string InWords() =>
        $"{Rows:N0} rows: {string.Join(", ", Verdicts.Select(pair => $"{pair.Value:N0} {pair.Key}"))}{(Accuracy is { } share ? $"; {share:P1} of the known labels are right" : "")}";
}

/// <summary>Lets the teacher label unlabelled texts: the distribution over the labels, by label scoring (arXiv 2310.01119, "annotation").</summary>
public static class Annotate
{
    private const string StageName = "annotate";

    // Rows scored between two writes to the journal: what a kill loses at most.
    private const int Chunk = 512;

    /// <summary>Labels the pool. Every row is in the journal as soon as it is scored; an interrupted stage goes on after the last.</summary>
    /// <param name="options">How.</param>
    /// <param name="teacherFolder">The tuned teacher.</param>
    /// <param name="task">The task.</param>
    /// <param name="data">The pool, and hidden labels to report the accuracy against.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="precision">The arithmetic.</param>
    /// <param name="upstream">Fingerprint of the teacher.</param>
    /// <param name="context">The run.</param>
    public static (IReadOnlyList<SyntheticRow> Rows, Fingerprint Fingerprint, SynthesisResult Result) Run(AnnotateOptions options, string teacherFolder, ClassificationTask task, DataSets data, long seed, PrecisionMode precision, Fingerprint upstream, RunContext context)
    {
        var path = context.Folder.Rows("annotated");
        var fingerprint = new Fingerprint().AddOptions("annotate", options).Add("seed", seed.ToString()).AddUpstream("tune", upstream);
        var stage = context.Begin(StageName, fingerprint, path);
        using var journal = Journal<SyntheticRow>.Open(path, row => row.Id);
        if (stage.State != StageState.Finished)
        {
            Score(options, teacherFolder, task, Chosen(options, data, seed), precision, fingerprint, journal, context);
            var all = journal.Read();
            var result = SynthesisResult.Of(all, data.HiddenLabels);
            context.Folder.Metrics.DropAfter(StageName, -1);
            context.Folder.Metrics.Append(StageName, 0, [("rows", all.Count), .. result.Accuracy is { } accuracy ? new (string, double)[] { ("accuracy", accuracy) } : []]);
            stage.Finish(result);
        }

        return (journal.Read(), fingerprint, stage.Result<SynthesisResult>());
    }

    private static void Score(AnnotateOptions options, string teacherFolder, ClassificationTask task, List<Example> pool, PrecisionMode precision, Fingerprint fingerprint, Journal<SyntheticRow> journal, RunContext context)
    {
        using var bar = context.Progress.Start(StageName, pool.Count, "rows");
        bar.Advance(journal.Count);
        // A chunk cut short is scored again as a whole: the same rows side by side give the same figures to the last bit.
        var left = pool.Chunk(Chunk).Where(chunk => !chunk.All(row => journal.Contains(row.Id))).ToList();
        if (left.Count > 0)
        {
            using var teacher = Teacher.Load(teacherFolder, task, context.Device);
            using var autocast = Precision.Autocast(precision, context.Device);
            var scorer = new LabelScorer(teacher.Model, teacher.Rows.LabelTokens, options.LengthNormalize);
            if (options.Calibrate)
            {
                scorer.Calibrate([teacher.Rows.ContentFreePrompt()]);
            }

            foreach (var chunk in left)
            {
                context.Cancel.ThrowIfCancellationRequested();
                var before = journal.Count;
                var scores = scorer.Score([.. chunk.Select(teacher.Rows.Prompt)], options.BatchSize, context.Cancel).OrderBy(score => score.Prompt).ToList();
                foreach (var score in scores)
                {
                    journal.Append(Row(chunk[score.Prompt], score, options, task, fingerprint));
                }

                bar.Advance(journal.Count - before);
            }
        }

        bar.Finish($"{journal.Count:N0} rows");
    }

    private static List<Example> Chosen(AnnotateOptions options, DataSets data, long seed)
    {
        if (options.MaxRows is not { } most || most >= data.Unlabelled.Count)
        {
            return [.. data.Unlabelled];
        }

        var order = new SeededRandom(seed).Fork("annotate").Permutation(data.Unlabelled.Count);
        return [.. order.Take(most).Select(row => data.Unlabelled[row])];
    }

    private static SyntheticRow Row(Example example, LabelScore score, AnnotateOptions options, ClassificationTask task, Fingerprint fingerprint)
    {
        var confidence = score.Probabilities[score.Best];
        var kept = confidence >= options.MinConfidence;
        return new SyntheticRow
        {
            Id = example.Id,
            Mode = SynthesisMode.Annotated,
            Text = example.Text,
            TextPair = example.TextPair,
            Label = task.Labels[score.Best],
            Scores = Enumerable.Range(0, task.Labels.Count).ToDictionary(label => task.Labels[label], label => score.Probabilities[label]),
            Teacher = fingerprint.ToString()[..16],
            Verdict = kept ? Verdict.Kept : Verdict.LowConfidence,
            Reason = kept ? "" : $"The teacher's probability {confidence:F3} is below min_confidence {options.MinConfidence}.",
        };
    }
}
