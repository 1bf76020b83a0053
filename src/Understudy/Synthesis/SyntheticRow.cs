using System.Text.Json;
using System.Text.Json.Serialization;
using Understudy.Data;

namespace Understudy.Synthesis;

/// <summary>How a synthetic row came about.</summary>
[JsonConverter(typeof(SynthesisModeConverter))]
public enum SynthesisMode
{
    /// <summary>An unlabelled text that the teacher labelled.</summary>
    Annotated,

    /// <summary>A text that the teacher wrote for a label.</summary>
    Generated,
}

internal sealed class SynthesisModeConverter() : JsonStringEnumConverter<SynthesisMode>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false);

/// <summary>A row that the teacher made, kept or not: one line of <c>rows/*.jsonl</c>.</summary>
public sealed record SyntheticRow
{
    /// <summary>Id within the run.</summary>
    public required string Id { get; init; }

    /// <summary>How it came about.</summary>
    public required SynthesisMode Mode { get; init; }

    /// <summary>Id of the prompt, which <c>rows/*-prompts.jsonl</c> resolves.</summary>
    public required string PromptId { get; init; }

    /// <summary>The text; for an unparsable row what the teacher wrote.</summary>
    public required string Text { get; init; }

    /// <summary>The second text of a pair task.</summary>
    public string? TextPair { get; init; }

    /// <summary>The label: the teacher's choice, or the one asked for. Null only where the model was to write one and wrote none that is known.</summary>
    public required string? Label { get; init; }

    /// <summary>The label that the text was asked for; null for annotated rows, and where the model chooses the label.</summary>
    public string? AskedLabel { get; init; }

    /// <summary>The teacher's probability of every label, by label; null where it was not asked.</summary>
    public IReadOnlyDictionary<string, double>? Scores { get; init; }

    /// <summary>Seed of the sampling; null for annotated rows.</summary>
    public long? Seed { get; init; }

    /// <summary>The first 16 digits of the teacher's fingerprint.</summary>
    public required string Teacher { get; init; }

    /// <summary>What became of it.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>Why, in a sentence; empty for a kept row.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The row to train on.</summary>
    /// <param name="softLabels">Whether the teacher's whole distribution is the target, where there is one.</param>
    public Example ToExample(bool softLabels) => new()
    {
        Id = Id,
        Text = Text,
        TextPair = TextPair,
        Label = Label,
        LabelProbabilities = softLabels ? Scores : null,
    };
}
