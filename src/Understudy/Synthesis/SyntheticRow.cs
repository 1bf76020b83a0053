using System.Text.Json.Serialization;
using Understudy.Data;

namespace Understudy.Synthesis;

/// <summary>How a synthetic row came about.</summary>
public enum SynthesisMode
{
    /// <summary>An unlabelled text that the teacher labelled.</summary>
    Annotated,

    /// <summary>A text that the teacher wrote for a label.</summary>
    Generated,
}

/// <summary>What became of a synthetic row. The text under <see cref="SyntheticRow.Reason"/> says more.</summary>
public enum Verdict
{
    /// <summary>Students train on it.</summary>
    Kept,

    /// <summary>A generated text that is not of the form asked for.</summary>
    Unparsable,

    /// <summary>A seed, a held-out text or an earlier synthetic row has the same text.</summary>
    Duplicate,

    /// <summary>The teacher is less sure than <c>min_confidence</c> asks.</summary>
    LowConfidence,

    /// <summary>Its label had enough rows already.</summary>
    QuotaFull,
}

/// <summary>A row that the teacher made, kept or not: one line of <c>rows/*.jsonl</c>.</summary>
public sealed record SyntheticRow
{
    /// <summary>Id within the run.</summary>
    public required string Id { get; init; }

    /// <summary>How it came about.</summary>
    [JsonConverter(typeof(JsonStringEnumConverter<SynthesisMode>))]
    public required SynthesisMode Mode { get; init; }

    /// <summary>The text; for an unparsable row what the teacher wrote.</summary>
    public required string Text { get; init; }

    /// <summary>The second text of a pair task.</summary>
    public string? TextPair { get; init; }

    /// <summary>The label: the teacher's choice, or the one asked for.</summary>
    public required string Label { get; init; }

    /// <summary>The teacher's probability of every label, by label; null for generated rows.</summary>
    public IReadOnlyDictionary<string, double>? Scores { get; init; }

    /// <summary>Seed of the sampling; null for annotated rows.</summary>
    public long? Seed { get; init; }

    /// <summary>Fingerprint of the teacher.</summary>
    public required string Teacher { get; init; }

    /// <summary>What became of it.</summary>
    [JsonConverter(typeof(JsonStringEnumConverter<Verdict>))]
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
