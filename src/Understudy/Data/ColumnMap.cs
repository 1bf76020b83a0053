namespace Understudy.Data;

/// <summary>Which column of a file holds what. Columns of JSON Lines are the keys of each object; those of CSV and TSV stand in the header line.</summary>
public sealed record ColumnMap
{
    /// <summary>The id column.</summary>
    /// <value>By default <c>id</c> when the file has such a column, else the row is called <c>file name:line</c>.</value>
    public string? Id { get; init; }

    /// <summary>The text column.</summary>
    /// <value>The default value is <c>text</c>.</value>
    public string Text { get; init; } = "text";

    /// <summary>The second text of a pair task.</summary>
    /// <value>By default there is none.</value>
    public string? TextPair { get; init; }

    /// <summary>The label column; not read from unlabelled sources.</summary>
    /// <value>The default value is <c>label</c>.</value>
    public string Label { get; init; } = "label";

    /// <summary>The column with the row's weight in the loss, a number of at least 0.</summary>
    /// <value>By default there is none and every row weighs 1.</value>
    public string? Weight { get; init; }

    /// <summary>The column with a soft label: a JSON object of label and probability. Students learn from all of it; the teacher from the row's label or, without one, the most probable.</summary>
    /// <value>By default there is none.</value>
    public string? LabelProbabilities { get; init; }

    /// <summary>Further columns to keep for prompt templates.</summary>
    /// <value>By default none: a column that is not named here reaches neither prompts nor models.</value>
    public IReadOnlyList<string> Fields { get; init; } = [];

    /// <summary>Everything wrong with the map.</summary>
    public IEnumerable<OptionFault> Validate()
    {
        var named = new (string Key, string? Column)[]
        {
            ("id", Id), ("text", Text), ("text_pair", TextPair), ("label", Label), ("weight", Weight), ("label_probabilities", LabelProbabilities),
        };
        foreach (var (key, column) in named)
        {
            if (column is not null && string.IsNullOrWhiteSpace(column))
                yield return new(key, "expected the name of a column, found an empty string.");
        }
        for (var i = 0; i < Fields.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(Fields[i]))
                yield return new($"fields[{i}]", "expected the name of a column, found an empty string.");
        }
        if (Text == Label)
            yield return new("label", $"the text and the label cannot both be column '{Text}'.");
        if (TextPair == Text)
            yield return new("text_pair", $"the two texts cannot both be column '{Text}'.");
        if (TextPair == Label)
            yield return new("text_pair", $"the second text and the label cannot both be column '{Label}'.");
        if (Fields.Contains(Label))
            yield return new("fields", $"the label column '{Label}' cannot be a prompt field: the prompt would give the answer away.");
    }

    /// <summary>The names that a prompt template may use for rows read with this map: <c>id</c>, <c>text</c>, <c>text_pair</c> of a pair task, the text columns' own names and <see cref="Fields"/>.</summary>
    public IReadOnlyList<string> TemplateFields()
    {
        string?[] all = ["text", TextPair is null ? null : "text_pair", Text, TextPair, .. Fields, "id"];
        return [.. all.OfType<string>().Distinct(StringComparer.Ordinal)];
    }
}
