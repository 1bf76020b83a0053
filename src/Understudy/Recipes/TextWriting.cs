using Understudy.Data;
using Understudy.Generation;
using Understudy.Synthesis;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What a teacher wrote, and what it thinks of it: a line of the journal of texts.</summary>
/// <param name="Id">Id of the text: label, round and sample.</param>
/// <param name="Label">The label asked for; null where the model chooses it.</param>
/// <param name="PromptId">Id of the prompt.</param>
/// <param name="Seed">Seed of the prompt's samples.</param>
/// <param name="Text">The text as it came.</param>
/// <param name="Finished">Whether the model ended it; false when the token limit did.</param>
/// <param name="Probabilities">The teacher's probability of every label in class order; null where it was not asked or there is nothing to label.</param>
internal sealed record WrittenText(string Id, string? Label, string PromptId, long Seed, string Text, bool Finished, double[]? Probabilities);

/// <summary>A prompt for a few texts.</summary>
/// <param name="Label">The label asked for; where the model chooses it, one that only tells prompts apart.</param>
/// <param name="Shots">Seeds shown first.</param>
/// <param name="Text">The prompt as text; where examples end with the end-of-text token, a line break stands for it.</param>
/// <param name="Seed">Seed of its samples.</param>
/// <param name="Ids">The id of every sample.</param>
internal sealed record WantedTexts(string Label, IReadOnlyList<Example> Shots, PromptText Text, long Seed, IReadOnlyList<string> Ids);

/// <summary>The teacher at its desk: writes texts for prompts and labels them. The model is loaded when it is first needed.</summary>
internal sealed class TextWriting(GenerateOptions options, AnnotateOptions annotate, string teacherFolder, ClassificationTask task, DataSets data, long seed, PrecisionMode precision, RunContext context) : IDisposable
{
    private readonly SeededRandom random = new SeededRandom(seed).Fork("generate");
    private Teacher? teacher;
    private TextGenerator? generator;
    private LabelScorer? scorer;

    /// <summary>How much of the prompts did not have to be computed.</summary>
    internal PrefixReuse Reuse { get; } = new();

    /// <summary>The prompt of a label in a round: which seeds it shows and how it samples follow from both.</summary>
    internal WantedTexts Prompt(int label, int round)
    {
        var name = task.Labels[label];
        var stream = random.Fork(name, round);
        var candidates = data.Train.Where(row => task.ModelChoosesLabel || row.Label == name).ToArray();
        stream.Shuffle(candidates.AsSpan());
        Example[] shots = [.. candidates.Take(options.SeedsInPrompt)];
        var text = string.Concat(shots.Select(shot => task.GenerationExample(shot) + (task.EndMarker ?? "\n"))) + task.GenerationPrompt(name);
        return new WantedTexts(name, shots, PromptText.Of(text), (long)stream.NextUInt64(),
            [.. Enumerable.Range(0, options.SamplesPerPrompt).Select(sample => $"generated:{name}:{round}:{sample}")]);
    }

    /// <summary>Writes the texts of several prompts, and labels those that are texts.</summary>
    /// <returns>In the order of the prompts and samples.</returns>
    /// <exception cref="InvalidDataException">A prompt leaves no room for a text.</exception>
    internal IReadOnlyList<WrittenText> Write(IReadOnlyList<WantedTexts> wanted)
    {
        using var autocast = Precision.Autocast(precision, context.Device);
        if (teacher is null)
        {
            teacher = context.LoadTeacher(teacherFolder, task);
            teacher.ForInferenceAlone();
        }

        generator ??= Generator(teacher);
        var texts = generator.Generate([.. wanted.Select(Tokens)], options.BatchSize, context.Cancel).OrderBy(text => text.Prompt).ThenBy(text => text.Sample).ToList();
        Reuse.Add(generator.Statistics);
        List<WrittenText> written = [.. texts.Select(text => new WrittenText(
            wanted[text.Prompt].Ids[text.Sample], task.ModelChoosesLabel ? null : wanted[text.Prompt].Label, wanted[text.Prompt].Text.Id, wanted[text.Prompt].Seed,
            text.Text, text.Reason != FinishReason.Length, null))];
        return options.Relabel == RelabelMode.None ? written : Labelled(teacher, written);
    }

    /// <inheritdoc/>
    public void Dispose() => teacher?.Dispose();

    private List<WrittenText> Labelled(Teacher teacher, List<WrittenText> written)
    {
        var rows = written.Select(text => task.ParseGenerated(text.Label, text.Text, text.Id, text.Finished).Example).ToList();
        int[] parsed = [.. Enumerable.Range(0, rows.Count).Where(row => rows[row] is not null)];
        scorer ??= teacher.Scorer(annotate);
        foreach (var score in scorer.Score([.. parsed.Select(row => teacher.Rows.Prompt(rows[row]!))], annotate.BatchSize, context.Cancel))
        {
            written[parsed[score.Prompt]] = written[parsed[score.Prompt]] with { Probabilities = score.Probabilities };
        }

        return written;
    }

    private GenerationPrompt Tokens(WantedTexts wanted)
    {
        var tokens = teacher!.Rows.GenerationPrompt(wanted.Label, wanted.Shots);
        return tokens.Length < teacher.Model.MaxLength
            ? new GenerationPrompt(tokens, wanted.Seed, options.SamplesPerPrompt)
            : throw new InvalidDataException($"The prompt for a text of label '{wanted.Label}' has {tokens.Length} tokens, and the teacher takes {teacher.Model.MaxLength} with the text. Lower 'generate.seeds_in_prompt', or shorten 'task.generation_prompt'.");
    }

    private TextGenerator Generator(Teacher teacher)
    {
        var processors = LogitsProcessors.From(options.Sampling, BadWords(options.Sampling, teacher.Rows), [teacher.EndOfText]);
        var stop = new StopCondition([teacher.EndOfText], options.Sampling.StopStrings, options.Sampling.MaxNewTokens, ids => teacher.Tokenizer.Decode(ids));
        return new TextGenerator(teacher.Model, processors, options.Sampling.DoSample, stop);
    }

    /// <summary>The tokens of every bad word, as it stands and behind a space: to most tokenizers these are two words.</summary>
    internal static IReadOnlyList<IReadOnlyList<int>> BadWords(SamplingOptions sampling, TeacherRows rows) =>
        [.. sampling.BadWords.SelectMany(word => new[] { rows.Encode(word), rows.Encode($" {word}") }).Where(tokens => tokens.Count > 0)];
}
