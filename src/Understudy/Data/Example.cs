using System.Collections.Frozen;

namespace Understudy.Data;

/// <summary>One row: a text (or a pair of texts), its label if it has one, and the columns that prompt templates may name. Immutable.</summary>
public sealed record Example
{
    private static readonly IReadOnlyDictionary<string, string> NoFields = FrozenDictionary<string, string>.Empty;

    /// <summary>Identifies the row within its data set. Rows of a file without an id column are called <c>file name:line</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The text to classify; never empty when it comes from a reader.</summary>
    public required string Text { get; init; }

    /// <summary>The second text of a pair task (a hypothesis, a question); null for tasks on one text. May be empty.</summary>
    public string? TextPair { get; init; }

    /// <summary>The label's name; null for an unlabelled row.</summary>
    public string? Label { get; init; }

    /// <summary>How much the row counts in the training loss.</summary>
    /// <value>The default value is 1; never negative.</value>
    public double Weight { get; init; } = 1;

    /// <summary>A soft label: the probability of each label by name; labels left out have probability 0. Null when the label is hard.</summary>
    public IReadOnlyDictionary<string, double>? LabelProbabilities { get; init; }

    /// <summary>Further columns by the user's own names, for prompt templates. Includes the text columns under their own names when those differ from <c>text</c> and <c>text_pair</c>.</summary>
    public IReadOnlyDictionary<string, string> Fields { get; init; } = NoFields;

    /// <summary>The value that a template's <c>{name}</c> stands for: <c>text</c>, <c>text_pair</c>, <c>id</c> or one of <see cref="Fields"/>.</summary>
    /// <returns>Null when the row has no such value.</returns>
    public string? Field(string name) => name switch
    {
        "text" => Text,
        "text_pair" => TextPair,
        "id" => Id,
        _ => Fields.TryGetValue(name, out var value) ? value : null,
    };

    /// <summary>The same row as a member of an unlabelled pool: no label, no soft label, weight 1.</summary>
    public Example WithoutLabel() => this with { Label = null, LabelProbabilities = null, Weight = 1 };
}
