using Understudy.Data;
using Understudy.Generation;
using Understudy.Runs;
using Understudy.Synthesis;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Lets the teacher write new texts for every label (arXiv 2310.01119, "generation").</summary>
public static class Generate
{
    private const string StageName = "generate";

    /// <summary>Writes texts until each label has its quota or its attempts are used up. An interrupted stage goes on where its journal ends.</summary>
    /// <param name="options">How.</param>
    /// <param name="teacherFolder">The tuned teacher.</param>
    /// <param name="task">The task.</param>
    /// <param name="data">Seeds and held-out rows, which a new text must not repeat.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="precision">The arithmetic.</param>
    /// <param name="upstream">Fingerprint of the teacher.</param>
    /// <param name="context">The run.</param>
    public static (IReadOnlyList<SyntheticRow> Rows, Fingerprint Fingerprint, SynthesisResult Result) Run(GenerateOptions options, string teacherFolder, ClassificationTask task, DataSets data, long seed, PrecisionMode precision, Fingerprint upstream, RunContext context)
    {
        var path = context.Folder.Rows("generated");
        var fingerprint = new Fingerprint().AddOptions("generate", options).Add("seed", (options.Sampling.Seed ?? seed).ToString()).AddUpstream("tune", upstream);
        var stage = context.Begin(StageName, fingerprint, path);
        using var journal = Journal<SyntheticRow>.Open(path, row => row.Id);
        if (stage.State != StageState.Finished)
        {
            Write(options, teacherFolder, task, data, options.Sampling.Seed ?? seed, precision, fingerprint, journal, context);
            var result = SynthesisResult.Of(journal.Read(), new Dictionary<string, string>());
            context.Folder.Metrics.DropAfter(StageName, -1);
            context.Folder.Metrics.Append(StageName, 0, ("rows", result.Rows), ("kept", result.Verdicts.GetValueOrDefault(nameof(Verdict.Kept))));
            stage.Finish(result);
        }

        return (journal.Read(), fingerprint, stage.Result<SynthesisResult>());
    }

    private static void Write(GenerateOptions options, string teacherFolder, ClassificationTask task, DataSets data, long seed, PrecisionMode precision, Fingerprint fingerprint, Journal<SyntheticRow> journal, RunContext context)
    {
        using var teacher = Teacher.Load(teacherFolder, task, context.Device);
        using var autocast = Precision.Autocast(precision, context.Device);
        using var bar = context.Progress.Start(StageName, (long)options.PerLabel * task.Labels.Count, "rows");
        var random = new SeededRandom(seed).Fork(StageName);
        var seen = new SeenTexts(data);
        var labels = task.Labels.Select(label => new Quota(label)).ToList();
        foreach (var row in journal.Read())
        {
            Count(labels[task.Labels.IndexOf(row.Label)], row, seen);
        }

        bar.Advance(labels.Sum(label => (long)label.Kept));
        var generator = Generator(options, teacher);
        // A round asks every label that still needs texts for one more prompt's worth. What a round asks for, and in which
        // order its texts are judged, follows from the journal alone, so a killed round ends as it would have.
        while (NextRound(labels, options) is { Count: > 0 } open)
        {
            context.Cancel.ThrowIfCancellationRequested();
            var prompts = open.Select(label => Prompt(label, options, teacher, data, random)).ToList();
            var texts = generator.Generate(prompts, options.BatchSize, context.Cancel).OrderBy(text => text.Prompt).ThenBy(text => text.Sample).ToList();
            foreach (var text in texts)
            {
                var label = open[text.Prompt];
                var row = Judge(label, text, prompts[text.Prompt].Seed, options, task, fingerprint, seen);
                if (journal.Append(row))
                {
                    bar.Advance(Count(label, row, seen) ? 1 : 0, detail: $"{labels.Sum(one => (long)one.Attempts):N0} attempts");
                }
            }
        }

        bar.Finish($"{labels.Sum(label => (long)label.Kept):N0} kept of {labels.Sum(label => (long)label.Attempts):N0} attempts");
    }

    private static List<Quota> NextRound(List<Quota> labels, GenerateOptions options)
    {
        var most = (int)Math.Ceiling(options.PerLabel * options.MaxAttempts);
        var open = labels.Where(label => label.Attempts % options.SamplesPerPrompt != 0 || (label.Kept < options.PerLabel && label.Attempts < most)).ToList();
        var round = open.Count == 0 ? 0 : open.Min(label => label.Attempts / options.SamplesPerPrompt);
        return [.. open.Where(label => label.Attempts / options.SamplesPerPrompt == round)];
    }

    private static TextGenerator Generator(GenerateOptions options, Teacher teacher)
    {
        var processors = LogitsProcessors.From(options.Sampling, BadWords(options.Sampling, teacher.Rows), [teacher.EndOfText]);
        var stop = new StopCondition([teacher.EndOfText], options.Sampling.StopStrings, options.Sampling.MaxNewTokens, ids => teacher.Tokenizer.Decode(ids));
        return new TextGenerator(teacher.Model, processors, options.Sampling.DoSample, stop);
    }

    /// <summary>The tokens of every bad word, as it stands and behind a space: to most tokenizers these are two words.</summary>
    internal static IReadOnlyList<IReadOnlyList<int>> BadWords(SamplingOptions sampling, TeacherRows rows) =>
        [.. sampling.BadWords.SelectMany(word => new[] { rows.Encode(word), rows.Encode($" {word}") }).Where(tokens => tokens.Count > 0)];

    private static GenerationPrompt Prompt(Quota label, GenerateOptions options, Teacher teacher, DataSets data, SeededRandom random)
    {
        var round = label.Attempts / options.SamplesPerPrompt;
        var stream = random.Fork(label.Name, round);
        var own = data.Train.Where(row => row.Label == label.Name).ToArray();
        stream.Shuffle(own.AsSpan());
        var tokens = teacher.Rows.GenerationPrompt(label.Name, own.Take(options.SeedsInPrompt));
        if (tokens.Length >= teacher.Model.MaxLength)
        {
            throw new InvalidDataException($"The prompt for a text of label '{label.Name}' has {tokens.Length} tokens, and the teacher takes {teacher.Model.MaxLength} with the text. Lower 'generate.seeds_in_prompt', or shorten 'task.generation_prompt'.");
        }

        return new GenerationPrompt(tokens, (long)stream.NextUInt64(), options.SamplesPerPrompt);
    }

    private static SyntheticRow Judge(Quota label, GeneratedText text, long seed, GenerateOptions options, ClassificationTask task, Fingerprint fingerprint, SeenTexts seen)
    {
        var id = $"generated:{label.Name}:{label.Attempts / options.SamplesPerPrompt}:{text.Sample}";
        var parsed = task.ParseGenerated(label.Name, text.Text, id, text.Reason != FinishReason.Length);
        var (verdict, reason) = parsed.Example is not { } example ? (Verdict.Unparsable, parsed.Detail)
            : seen.Where(example) is { } where ? (Verdict.Duplicate, $"The same text is {where}.")
            : label.Kept >= options.PerLabel ? (Verdict.QuotaFull, $"The label has its {options.PerLabel} rows.")
            : (Verdict.Kept, "");
        return new SyntheticRow
        {
            Id = id,
            Mode = SynthesisMode.Generated,
            Text = parsed.Example?.Text ?? text.Text,
            TextPair = parsed.Example?.TextPair,
            Label = label.Name,
            Seed = seed,
            Teacher = fingerprint.ToString()[..16],
            Verdict = verdict,
            Reason = reason,
        };
    }

    private static bool Count(Quota label, SyntheticRow row, SeenTexts seen)
    {
        label.Attempts++;
        if (row.Verdict != Verdict.Kept)
        {
            return false;
        }

        label.Kept++;
        seen.Add(row);
        return true;
    }

    private sealed class Quota(string name)
    {
        internal string Name { get; } = name;

        internal int Kept { get; set; }

        internal int Attempts { get; set; }
    }
}
