namespace Understudy.Recipes;

/// <summary>What a run file is to be written for.</summary>
public sealed record InitOptions
{
    /// <summary>The labelled rows: JSON Lines, CSV or TSV, gzip allowed.</summary>
    public required string File { get; init; }

    /// <summary>Files of unlabelled text, in the same formats or as plain text.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<string> Unlabelled { get; init; } = [];

    /// <summary>Labelled rows for the final figures.</summary>
    /// <value>The default value is null: a part of <see cref="File"/> is held out.</value>
    public string? Test { get; init; }

    /// <summary>The text column.</summary>
    /// <value>The default value is null: it is guessed.</value>
    public string? Text { get; init; }

    /// <summary>The column with the second text of a pair task.</summary>
    /// <value>The default value is null: it is guessed when <see cref="Text"/> is, too.</value>
    public string? TextPair { get; init; }

    /// <summary>The label column.</summary>
    /// <value>The default value is null: it is guessed.</value>
    public string? Label { get; init; }

    /// <summary>The run file to write.</summary>
    /// <value>The default value is <c>run.yaml</c> in the current directory.</value>
    public string Output { get; init; } = "run.yaml";

    /// <summary>Whether a file that is there may be overwritten.</summary>
    /// <value>The default value is false.</value>
    public bool Force { get; init; }
}

/// <summary>A run file that was written.</summary>
/// <param name="Path">Where it lies, as it was given.</param>
/// <param name="Findings">What was found in the data and why it was taken so, a sentence each.</param>
/// <param name="Expectations">What may be expected of the run, a sentence each.</param>
public sealed record InitResult(string Path, IReadOnlyList<string> Findings, IReadOnlyList<string> Expectations);
