using Understudy.Data;

namespace Understudy.Recipes;

/// <summary>The files that a run file is written for, and what was found in them.</summary>
/// <param name="Train">The labelled rows.</param>
/// <param name="Columns">Which of their columns holds what.</param>
/// <param name="Test">The file of test rows; null when there is none.</param>
/// <param name="Unlabelled">The files of unlabelled text, each with its text column.</param>
internal sealed record InitData(TableProfile Train, ColumnGuess Columns, TableProfile? Test, IReadOnlyList<(TableProfile Table, ColumnProfile Text)> Unlabelled)
{
    public bool IsPair => Columns.TextPair is not null;

    public ColumnProfile Label => Columns.Label.Column;

    /// <summary>The labels with the number of their rows, the most frequent first.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> Labels { get; } =
        [.. Columns.Label.Column.Counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal)];

    /// <summary>The column map of the whole data section. A column called <c>id</c> is found without being named.</summary>
    public ColumnMap Map { get; } = new()
    {
        Id = Columns.Id?.Name is { } id and not "id" ? id : null,
        Text = Columns.Text.Column.Name,
        TextPair = Columns.TextPair?.Column.Name,
        Label = Columns.Label.Column.Name,
    };

    /// <summary>Reads the files and guesses the columns.</summary>
    /// <exception cref="InvalidDataException">A file cannot be read, or does not fit the others.</exception>
    public static InitData Read(InitOptions options)
    {
        var source = SourceGuess.Of(options.File);
        if ((source.Format == DataFormat.Auto ? DataFile.FormatOf(source.Path) : source.Format) == DataFormat.Text)
            throw new InvalidDataException($"{options.File}: expected labelled rows (JSON Lines, CSV or TSV with a column of texts and one of labels), found plain text. Unlabelled text goes with --unlabelled.");
        var train = TableProfile.Read(source);
        var columns = ColumnGuess.Of(train, new ColumnChoice(options.Text, options.TextPair, options.Label));
        var test = options.Test is { } path ? Like(TableProfile.Read(SourceGuess.Of(path)), columns, "--test") : null;
        return new InitData(train, columns, test, [.. options.Unlabelled.Select(file => Pool(TableProfile.Read(SourceGuess.Of(file)), columns))]);
    }

    /// <summary>The columns of another file where they differ from those of the labelled rows; null when they do not.</summary>
    public ColumnMap? MapOf(TableProfile other, string text)
    {
        var id = Map.Id is { } name && other[name] is { } column && IsId(other, column) ? name : null;
        return IsText(other) || (text == Map.Text && id == Map.Id) ? null : Map with { Text = text, Id = id };
    }

    private static bool IsId(TableProfile table, ColumnProfile column) => column.AllNames && column.Counts.Count == table.Rows;

    private static bool IsText(TableProfile table) => DataFormat.Text == (table.Source.Format == DataFormat.Auto ? DataFile.FormatOf(table.Source.Path) : table.Source.Format);

    private static TableProfile Like(TableProfile table, ColumnGuess columns, string option)
    {
        if (IsText(table))
            throw new InvalidDataException($"{table.Source.Path}: plain text has no labels, so nothing can be tested on it; expected JSON Lines, CSV or TSV with the columns of the labelled file. Name another file with {option}, or leave it out to have rows held out.");
        foreach (var column in new[] { columns.Text.Column, columns.TextPair?.Column, columns.Label.Column }.OfType<ColumnProfile>())
            Expect(table, column.Name, option);
        return table;
    }

    private static (TableProfile Table, ColumnProfile Text) Pool(TableProfile table, ColumnGuess columns)
    {
        if (columns.TextPair is { Column: var pair })
        {
            if (IsText(table))
                throw new InvalidDataException($"{table.Source.Path}: plain text has one text a line, but the rows of the labelled file have two ('{columns.Text.Column.Name}' and '{pair.Name}'); expected JSON Lines, CSV or TSV with both columns. Name another file with --unlabelled, or take the first text alone with --text {columns.Text.Column.Name}.");
            Expect(table, columns.Text.Column.Name, "--unlabelled");
            Expect(table, pair.Name, "--unlabelled");
        }
        var text = table[columns.Text.Column.Name]
            ?? table.Columns.Where(column => column.AllText && column.HasLetters).OrderByDescending(column => column.MeanCharacters).FirstOrDefault()
            ?? throw new InvalidDataException($"{table.Source.Path}: found no column of texts; expected '{columns.Text.Column.Name}' as in the labelled file; found [{string.Join(", ", table.Columns.Select(ColumnGuess.Describe))}]. Name another file with --unlabelled.");
        return (table, text);
    }

    private static void Expect(TableProfile table, string name, string option)
    {
        var names = table.Columns.Select(column => column.Name).ToArray();
        if (table[name] is null)
            throw new InvalidDataException($"{table.Source.Path}: there is no column '{name}' as in the labelled file; found [{string.Join(", ", names)}].{Suggest.DidYouMean(name, names)} Rename the column, or name another file with {option}.");
    }
}
