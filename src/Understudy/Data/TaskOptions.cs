namespace Understudy.Data;

/// <summary>
/// What the teacher reads and writes. To annotate, it reads the prompt of a row and scores the completion of every label;
/// to generate, it reads the generation prompt of a label and writes the generation completion.
/// </summary>
/// <remarks>
/// Templates name values in braces: <c>{text}</c>, <c>{text_pair}</c>, <c>{id}</c>, the columns that <c>data.columns</c>
/// names, <c>{label}</c> (the label's words), <c>{label_description}</c>, <c>{labels}</c> (all labels' words, separated by
/// commas) and <c>{description}</c>. <c>{{</c> and <c>}}</c> stand for braces.
/// </remarks>
[NoSecrets]
public sealed record TaskOptions
{
    /// <summary>What the task is, in a sentence or two; only seen by the model where a template says <c>{description}</c>.</summary>
    /// <value>The default value is empty.</value>
    public string Description { get; init; } = "";

    /// <summary>The prompt to label a row. It must not end with a space: tokenizers join the space with the word after it.</summary>
    /// <value>The default value is <c>{text}</c>, a line break and <c>Label:</c>.</value>
    public string Prompt { get; init; } = "{text}\nLabel:";

    /// <summary>What follows the prompt for a label.</summary>
    /// <value>The default value is a space and <c>{label}</c>.</value>
    public string Completion { get; init; } = " {label}";

    /// <summary>The prompt to write a new row for a label. Where it names no label and the completion does, the model chooses the label of the row.</summary>
    /// <value>The default value is <c>Label: {label}</c>, a line break and <c>Text:</c>.</value>
    public string GenerationPrompt { get; init; } = "Label: {label}\nText:";

    /// <summary>What follows the generation prompt for a row, and the form that a generated text must have to become a row.</summary>
    /// <value>The default value is a space and <c>{text}</c>.</value>
    public string GenerationCompletion { get; init; } = " {text}";

    /// <summary>A text that ends every completion.</summary>
    /// <value>The default value is null: the model's end-of-text token ends it.</value>
    public string? EndMarker { get; init; }

    /// <summary>The words that stand for a label in prompts and completions.</summary>
    /// <value>By default a label's name with underscores replaced by spaces.</value>
    public IReadOnlyDictionary<string, string> LabelWords { get; init; } = new Dictionary<string, string>();

    /// <summary>A sentence for a label, for <c>{label_description}</c>.</summary>
    /// <value>By default the label's words.</value>
    public IReadOnlyDictionary<string, string> LabelDescriptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Everything wrong with the section on its own; <see cref="ClassificationTask"/> checks it against labels and columns.</summary>
    public IEnumerable<OptionFault> Validate()
    {
        var faults = new List<OptionFault>();
        var prompt = Fields("prompt", Prompt, faults);
        if (prompt is { Count: 0 })
            faults.Add(new("prompt", $"the prompt '{Prompt}' names no column, so every row would be labelled alike. Use {{text}}."));
        foreach (var leak in prompt?.Where(field => field is "label" or "label_description") ?? [])
            faults.Add(new("prompt", $"the prompt uses {{{leak}}}, which is what the model is asked for. Move it to 'completion'."));
        if (Fields("completion", Completion, faults) is { } completion && !(completion.Contains("label") && completion.All(field => field == "label")))
            faults.Add(new("completion", $"expected a template with {{label}} and no other field, found '{Completion}'."));
        var asked = Fields("generation_prompt", GenerationPrompt, faults);
        var written = Fields("generation_completion", GenerationCompletion, faults);
        if (asked is not null && written is not null && !asked.Contains("label") && !asked.Contains("label_description") && !written.Contains("label"))
            faults.Add(new("generation_prompt", "neither this template nor generation_completion uses {label}, so a generated row would have none. Add {label} or {label_description} here to ask for a label, or {label} there to let the model choose one."));
        if (written is not null)
            faults.AddRange(Unreadable(written));
        if (EndMarker is { Length: 0 })
            faults.Add(new("end_marker", "expected a text, found an empty one. Remove the key to use the model's end-of-text token."));
        foreach (var (label, words) in LabelWords)
        {
            if (string.IsNullOrWhiteSpace(words))
                faults.Add(new($"label_words.{label}", $"expected the words for label '{label}', found none."));
        }
        return faults;
    }

    private IEnumerable<OptionFault> Unreadable(IReadOnlyList<string> fields)
    {
        if (fields.Count == 0)
            yield return new("generation_completion", $"expected a template with {{text}}, found '{GenerationCompletion}'.");
        foreach (var twice in fields.GroupBy(field => field).Where(group => group.Count() > 1))
            yield return new("generation_completion", $"{{{twice.Key}}} stands twice, so a generated text cannot be read back. Use it once.");
        foreach (var field in fields.Where(field => field is "label_description" or "labels" or "description" or "id"))
            yield return new("generation_completion", $"{{{field}}} is not part of a row. Move it to 'generation_prompt'.");
        if (Template.Parse(GenerationCompletion).Literals.Skip(1).SkipLast(1).Any(literal => literal.Length == 0))
            yield return new("generation_completion", "two placeholders touch, so a generated text cannot be read back. Put a text or a line break between them.");
    }

    private static IReadOnlyList<string>? Fields(string key, string source, List<OptionFault> faults)
    {
        if (Template.TryParse(source, out var template, out var fault))
            return template.Fields;
        faults.Add(new(key, fault));
        return null;
    }
}
