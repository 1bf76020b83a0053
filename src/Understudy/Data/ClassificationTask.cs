using System.Buffers;

namespace Understudy.Data;

/// <summary>A classification task in words: turns rows and labels into prompts and completions, and generated text into rows. Immutable and thread-safe.</summary>
public sealed class ClassificationTask
{
    private static readonly string[] Reserved = ["label", "label_description", "labels", "description"];

    // Half a character, and control characters but for white space: byte-level models write them when they lose the thread.
    private static readonly SearchValues<char> NotText =
        SearchValues.Create([.. Enumerable.Range(0, 0xA0).Select(code => (char)code).Where(one => char.IsControl(one) && !char.IsWhiteSpace(one)), '\uFFFD']);

    private readonly TaskOptions options;
    private readonly ColumnMap columns;
    private readonly Template prompt, completion, generationPrompt, generationCompletion;
    private readonly string[] words;
    private readonly string[] completions;
    private readonly string[] scaffold;
    private readonly string allWords;

    /// <summary>The task with these labels on rows with these columns.</summary>
    /// <param name="options">The templates and words.</param>
    /// <param name="labels">The labels in class order.</param>
    /// <param name="columns">The columns of the rows; by default <c>text</c> alone.</param>
    /// <param name="generates">Whether rows are generated, so that the generation templates must fit the columns.</param>
    /// <exception cref="ArgumentException">A template names a field that rows do not have, words are given for a label that is not in the set, or two labels have the same words; the message lists everything wrong, with key paths from the run file's root.</exception>
    public ClassificationTask(TaskOptions options, LabelSet labels, ColumnMap? columns = null, bool generates = true)
    {
        this.options = options;
        this.columns = columns ?? new ColumnMap();
        Labels = labels;
        ThrowIfAny(options.Validate());
        prompt = Template.Parse(options.Prompt);
        completion = Template.Parse(options.Completion);
        generationPrompt = Template.Parse(options.GenerationPrompt);
        generationCompletion = Template.Parse(options.GenerationCompletion);
        words = [.. labels.Select(label => options.LabelWords.TryGetValue(label, out var given) ? given : label.Replace('_', ' '))];
        allWords = string.Join(", ", words);
        completions = [.. words.Select(text => completion.Render(_ => text))];
        ModelChoosesLabel = !generationPrompt.Fields.Any(field => field is "label" or "label_description");
        scaffold = [.. Scaffold(prompt).Concat(Scaffold(generationPrompt)).Except(Scaffold(generationCompletion))];
        ThrowIfAny(PromptFaults().Concat(generates ? GenerationFaults() : []).Concat(LabelFaults()));
    }

    /// <summary>The labels in class order.</summary>
    public LabelSet Labels { get; }

    /// <summary>The text that ends every completion; null when the model's end-of-text token does.</summary>
    public string? EndMarker => options.EndMarker;

    /// <summary>The completion of every label in class order, without the end: what label scoring compares.</summary>
    public IReadOnlyList<string> Completions => completions;

    /// <summary>The prompt for a label of <paramref name="example"/>.</summary>
    /// <exception cref="ArgumentException">The row lacks a field that the prompt names.</exception>
    public string Prompt(Example example) => prompt.Render(field => Value(field, example));

    /// <summary>The prompt with the task's own values filled in and the fields of a row left in braces: what all prompts for labels have in common.</summary>
    public string PromptTemplate => prompt.Render(name => TaskValue(name) ?? $"{{{name}}}");

    /// <summary>The prompt with <paramref name="content"/> in place of every value of a row, to calibrate label scores against (Zhao et al., arXiv 2102.09690).</summary>
    public string ContentFreePrompt(string content = "N/A") => prompt.Render(field => TaskValue(field) ?? content);

    /// <summary>What the model should write after <see cref="Prompt"/>, without the end.</summary>
    /// <exception cref="ArgumentException">The label is not in the set.</exception>
    public string Completion(string label) => completions[Labels.IndexOf(label)];

    /// <summary>Whether the model chooses the label of a row that it writes: the generation prompt names none, so the completion does.</summary>
    public bool ModelChoosesLabel { get; }

    /// <summary>The prompt for a new row with <paramref name="label"/>.</summary>
    /// <param name="label">A label of the set; not looked at where <see cref="ModelChoosesLabel"/>.</param>
    /// <exception cref="ArgumentException">The label is not in the set.</exception>
    public string GenerationPrompt(string label)
    {
        var index = Labels.IndexOf(label);
        return generationPrompt.Render(field => field switch
        {
            "label" => words[index],
            "label_description" => options.LabelDescriptions.TryGetValue(label, out var description) ? description : words[index],
            _ => TaskValue(field)!,
        });
    }

    /// <summary>What the model should write after <see cref="GenerationPrompt"/> for <paramref name="example"/>, without the end.</summary>
    /// <exception cref="ArgumentException">The row lacks a label or a field that the template names.</exception>
    public string GenerationCompletion(Example example) =>
        generationCompletion.Render(field => field == "label" ? words[Labels.IndexOf(example.Label ?? throw new ArgumentException($"Row '{example.Id}' has no label.", nameof(example)))] : Value(field, example));

    /// <summary>A labelled row as an example to show before a <see cref="GenerationPrompt"/>, without the end.</summary>
    /// <exception cref="ArgumentException">The row lacks a label or a field that the templates name.</exception>
    public string GenerationExample(Example example) => GenerationPrompt(example.Label ?? throw new ArgumentException($"Row '{example.Id}' has no label.", nameof(example))) + GenerationCompletion(example);

    /// <summary>The label whose completion a model wrote, white space at the ends aside.</summary>
    /// <returns>Null when <paramref name="written"/> is the completion of no label.</returns>
    public string? ParseLabel(string written)
    {
        var text = BeforeEnd(written).AsSpan().Trim();
        for (var label = 0; label < completions.Length; label++)
        {
            if (text.SequenceEqual(completions[label].AsSpan().Trim()))
                return Labels[label];
        }
        return null;
    }

    /// <summary>Reads a generated text back into a row. Never throws for what a model wrote.</summary>
    /// <param name="label">The label that was asked for; not looked at where <see cref="ModelChoosesLabel"/>.</param>
    /// <param name="generated">What the model wrote after <see cref="GenerationPrompt"/>.</param>
    /// <param name="id">The id of the row.</param>
    /// <param name="finished">Whether the model ended the text itself; false when the token limit did.</param>
    /// <exception cref="ArgumentException">The label that was asked for is not in the set.</exception>
    public ParsedGeneration ParseGenerated(string? label, string generated, string id, bool finished)
    {
        var index = ModelChoosesLabel ? 0 : Labels.IndexOf(label!);
        var hasMarker = EndMarker is not null && generated.Contains(EndMarker, StringComparison.Ordinal);
        if (!finished && !hasMarker)
            return ParsedGeneration.Failed(ParseFailure.Unfinished, "The text was cut by the token limit.");
        var text = BeforeEnd(generated);
        if (text.AsSpan().IndexOfAny(NotText) is >= 0 and var at)
            return ParsedGeneration.Failed(ParseFailure.NotText, $"Character {at + 1} is not text.");
        if (string.IsNullOrWhiteSpace(text))
            return ParsedGeneration.Failed(ParseFailure.Empty, "The text is empty.");
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            foreach (var start in scaffold)
            {
                if (line.Trim().StartsWith(start))
                    return ParsedGeneration.Failed(ParseFailure.PromptRepeated, $"A line begins with the prompt's '{start}'.");
            }
        }
        if (!generationCompletion.TryMatch(text, out var values))
            return ParsedGeneration.Failed(ParseFailure.Format, $"The text does not have the form '{options.GenerationCompletion}'.");
        return Row(index, id, values);
    }

    private ParsedGeneration Row(int index, string id, string[] values)
    {
        var row = new Example { Id = id, Text = "", Label = Labels[index] };
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < values.Length; i++)
        {
            var field = generationCompletion.Fields[i];
            if (field == "label")
            {
                if (ModelChoosesLabel)
                {
                    index = Array.IndexOf(words, values[i]);
                    if (index < 0)
                        return ParsedGeneration.Failed(ParseFailure.UnknownLabel, $"The text says label '{values[i]}', which is not in the label set.");
                    row = row with { Label = Labels[index] };
                }
                else if (values[i] != words[index])
                    return ParsedGeneration.Failed(ParseFailure.WrongLabel, $"The text says label '{values[i]}'; asked for was '{words[index]}'.");
                continue;
            }
            if (values[i].Length == 0)
                return ParsedGeneration.Failed(ParseFailure.Empty, $"The text has nothing for {{{field}}}.");
            var name = Canonical(field);
            if (name == "text")
                row = row with { Text = values[i] };
            else if (name == "text_pair")
                row = row with { TextPair = values[i] };
            else
                fields[field] = values[i];
        }
        // A generated row answers to the same names as one from a file.
        if (columns.Text != "text")
            fields[columns.Text] = row.Text;
        if (columns.TextPair is { } pair && pair != "text_pair")
            fields[pair] = row.TextPair!;
        return new ParsedGeneration(fields.Count > 0 ? row with { Fields = fields } : row, ParseFailure.None, "");
    }

    private string BeforeEnd(string written) =>
        EndMarker is not null && written.IndexOf(EndMarker, StringComparison.Ordinal) is >= 0 and var at ? written[..at] : written;

    private string Value(string field, Example example) =>
        TaskValue(field) ?? example.Field(field)
        ?? throw new ArgumentException($"Row '{example.Id}' has no '{field}', which the prompt names. Add '{field}' to 'data.columns.fields', or change the prompt.", nameof(example));

    private string? TaskValue(string field) => field switch
    {
        "description" => options.Description,
        "labels" => allWords,
        _ => null,
    };

    private IEnumerable<OptionFault> PromptFaults() =>
        Unknown("prompt", prompt, [.. columns.TemplateFields(), "labels", "description"]).Concat(
            from column in new[] { (Own: columns.Text, Name: "text"), (Own: columns.TextPair, Name: "text_pair") }
            where column.Own is not null && !prompt.Fields.Contains(column.Name) && !prompt.Fields.Contains(column.Own)
            select new OptionFault("prompt", $"the template does not use {{{column.Name}}}, so the model would not see it. Add it."));

    private IEnumerable<OptionFault> GenerationFaults() =>
    [
        .. Unknown("generation_prompt", generationPrompt, Reserved),
        .. Unknown("generation_completion", generationCompletion, [.. columns.TemplateFields(), "label"]),
        .. from field in prompt.Fields.Distinct()
           where field is not "id" && TaskValue(field) is null && !generationCompletion.Fields.Any(written => Canonical(written) == Canonical(field))
           select new OptionFault("generation_completion", $"the template does not use {{{field}}}, so a generated row would lack it. Add it."),
    ];

    private IEnumerable<OptionFault> LabelFaults()
    {
        foreach (var (key, given) in new[] { ("label_words", options.LabelWords), ("label_descriptions", options.LabelDescriptions) })
        {
            foreach (var label in given.Keys.Where(label => !Labels.Contains(label)))
                yield return new($"{key}.{label}", Labels.NotInSet(label));
        }
        foreach (var group in words.Select((text, label) => (Text: text.Trim(), Label: Labels[label])).GroupBy(pair => pair.Text).Where(group => group.Count() > 1))
            yield return new("label_words", $"labels {string.Join(" and ", group.Select(pair => $"'{pair.Label}'"))} have the same words '{group.Key}'. Give each its own.");
    }

    private static IEnumerable<OptionFault> Unknown(string key, Template template, IReadOnlyList<string> known) =>
        from field in template.Fields.Distinct()
        where !known.Contains(field)
        select new OptionFault(key, $"the template names {{{field}}}; expected one of [{string.Join(", ", known)}].{Suggest.DidYouMean(field, known)} Further columns are named under 'data.columns.fields'.");

    private string Canonical(string field) => field == columns.Text ? "text" : field == columns.TextPair ? "text_pair" : field;

    // What the prompts' lines begin with ("Label:"), when it ends in punctuation and so is no ordinary beginning of a sentence.
    private static IEnumerable<string> Scaffold(Template template) =>
        template.Render(_ => "\0").Split('\n')
            .Select(line => line.Split('\0')[0].Trim())
            .Where(start => start.Length >= 2 && !char.IsLetterOrDigit(start[^1]));

    private static void ThrowIfAny(IEnumerable<OptionFault> faults)
    {
        var found = faults.Select(fault => fault.Under("task").ToString()).ToArray();
        if (found.Length > 0)
            throw new ArgumentException(string.Join(Environment.NewLine, found));
    }
}
