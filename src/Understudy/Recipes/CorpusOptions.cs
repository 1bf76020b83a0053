using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>A text file to pre-train on.</summary>
public sealed record CorpusOptions
{
    /// <summary>The file: one document a line, gzip allowed; JSON Lines where <see cref="Column"/> is given.</summary>
    /// <value>It has no default value.</value>
    [InputPath]
    public required string Path { get; init; }

    /// <summary>The field of a JSON Lines file that holds the text.</summary>
    /// <value>The default value is null: the file is plain text.</value>
    public string? Column { get; init; }

    /// <summary>How often a document comes in an epoch, more than 0 and at most 100: below 1 that share of the documents is taken, at random.</summary>
    /// <value>The default value is 1.</value>
    public double Repeats { get; init; } = 1;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        NotBlank("path", Path),
        NotBlank("column", Column),
        Column is null && Path is not null && DataFile.KnownFormat(Path) == DataFormat.Jsonl
            ? new OptionFault("column", "expected the field that holds the text, since the file is JSON Lines, found none. Name it.")
            : null,
        Repeats is > 0 and <= 100 ? null : new OptionFault("repeats", $"expected a number above 0 and at most 100, found {Repeats}."));

    /// <summary>The documents, read as they are asked for.</summary>
    /// <exception cref="InvalidDataException">A row has no text under the column.</exception>
    internal IEnumerable<string> Read() => Column is null ? TextLines.Read(Path) : JsonLines.Read(Path, DataSourceOptions.LeastMaxLineMb * 16).Select(TextOf);

    private string TextOf(RawRow row) =>
        row[Column!] is { Kind: RawKind.String } value && !string.IsNullOrWhiteSpace(value.Text)
            ? value.Text.ReplaceLineEndings(" ")
            : throw new InvalidDataException($"{Path}, line {row.Line}: expected a text under '{Column}', found none. Name the field that holds the text in 'pretrain.corpus[].column'.");
}
