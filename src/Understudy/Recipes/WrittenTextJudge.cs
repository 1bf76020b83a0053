using Understudy.Data;
using Understudy.Runs;
using Understudy.Synthesis;

namespace Understudy.Recipes;

/// <summary>Makes rows of what a teacher wrote: parses a text, takes its label, asks the filters and the quota.</summary>
internal sealed class WrittenTextJudge(GenerateOptions options, ClassificationTask task, DataSets data, LabelQuota quota, Fingerprint teacher)
{
    private readonly RowFilter filter = new(options.Filters, data.Train, data.Validation, data.Test);
    private readonly string teacherId = teacher.ToString()[..16];

    /// <summary>The row of a text. The order of calls matters: a row is compared with those kept before it.</summary>
    internal SyntheticRow Row(WrittenText text)
    {
        var parsed = task.ParseGenerated(text.Label, text.Text, text.Id, text.Finished);
        var scores = text.Probabilities is { } probabilities ? task.Labels.Named(probabilities) : null;
        var row = new SyntheticRow
        {
            Id = text.Id,
            Mode = SynthesisMode.Generated,
            PromptId = text.PromptId,
            Text = text.Text,
            Label = text.Label,
            AskedLabel = text.Label,
            Scores = scores,
            Seed = text.Seed,
            Teacher = teacherId,
            Verdict = parsed.Failure == ParseFailure.UnknownLabel ? Verdict.LabelUnknown : Verdict.Unparsable,
            Reason = parsed.Detail,
        };
        return parsed.Example is { } example ? Judged(row, example, scores) : row;
    }

    private SyntheticRow Judged(SyntheticRow row, Example example, IReadOnlyDictionary<string, double>? scores)
    {
        if (options.Relabel == RelabelMode.Replace && scores is not null)
        {
            example = example with { Label = scores.MaxBy(pair => pair.Value).Key };
        }

        var label = task.Labels.IndexOf(example.Label!);
        var (verdict, reason) = filter.Judge(example, scores, quota.Full(label));
        if (verdict == Verdict.Kept)
        {
            quota.Keep(label);
        }

        return row with { Text = example.Text, TextPair = example.TextPair, Label = example.Label, Verdict = verdict, Reason = reason };
    }
}
