using System.Text.RegularExpressions;

namespace Understudy.Data;

/// <summary>The columns that were named by hand, in place of guesses.</summary>
internal sealed record ColumnChoice(string? Text, string? TextPair, string? Label);

/// <summary>A column and why it was taken.</summary>
internal sealed record GuessedColumn(ColumnProfile Column, string Why);

/// <summary>Which column of a labelled file holds what.</summary>
/// <param name="Text">The text.</param>
/// <param name="TextPair">The second text of a pair task; null when there is none.</param>
/// <param name="Label">The label.</param>
/// <param name="Id">The id; null when rows are called by their line.</param>
internal sealed partial record ColumnGuess(GuessedColumn Text, GuessedColumn? TextPair, GuessedColumn Label, ColumnProfile? Id)
{
    // In the order of preference: a file with label and label_text means the latter's words.
    private static readonly string[] LabelNames = ["labeltext", "labelname", "label", "intent", "class", "category", "sentiment", "topic", "target", "tag", "emotion", "polarity", "stance", "gold", "answer", "relation", "entailment", "verdict", "y", "type", "rating", "stars", "score"];
    private static readonly string[] TextNames = ["text", "sentence", "utterance", "question", "query", "message", "content", "comment", "review", "tweet", "document", "passage", "body", "premise", "input", "prompt", "description", "title", "subject", "request", "hypothesis", "context", "paragraph", "claim", "evidence"];
    private static readonly (string First, string Second)[] PairNames = [("premise", "hypothesis"), ("question", "passage"), ("question", "paragraph"), ("question", "context"), ("question", "sentence"), ("query", "passage"), ("query", "document"), ("text", "textpair"), ("context", "question"), ("claim", "evidence")];
    private static readonly (string First, string Second)[] PairEndings = [("1", "2"), ("a", "b"), ("first", "second")];
    private static readonly string[] IdNames = ["id", "uid", "uuid", "guid", "key", "idx", "index", "rowid", "exampleid", "docid", "messageid"];
    private static readonly string[] OtherNames = ["split", "fold", "lang", "language", "locale", "source", "date", "year", "month", "time", "timestamp", "user", "author", "annotator", "weight"];

    /// <summary>Guesses the columns of a table, or takes those of <paramref name="chosen"/>.</summary>
    /// <exception cref="InvalidDataException">The table is no classification task, or has no column of that name.</exception>
    public static ColumnGuess Of(TableProfile table, ColumnChoice chosen)
    {
        var text = chosen.Text is { } named ? Named(table, named, "text") : null;
        var pair = chosen.TextPair is { } second ? Named(table, second, "text-pair") : null;
        var taken = new[] { text?.Column, pair?.Column }.OfType<ColumnProfile>().ToArray();
        var label = chosen.Label is { } third ? Named(table, third, "label") : LabelOf(table, taken);
        LabelFaults.ThrowIfAny(table, label.Column);
        (text, pair) = TextsOf(table, text, pair, label.Column);
        return new ColumnGuess(text, pair, label, IdOf(table));
    }

    /// <summary>A column in words: <c>'text' (300 rows, 297 different values)</c>.</summary>
    public static string Describe(ColumnProfile column) => $"{ShownText.Of(column.Name)} ({column.Values:N0} rows, {column.Counts.Count:N0} different values)";

    private static GuessedColumn Named(TableProfile table, string name, string option)
    {
        var names = table.Columns.Select(column => column.Name).ToArray();
        return table[name] is { } column
            ? new GuessedColumn(column, $"named with --{option}")
            : throw new InvalidDataException($"{table.Source.Path}: there is no column '{name}'; found [{string.Join(", ", names)}].{Suggest.DidYouMean(name, names)} Name one of them with --{option}.");
    }

    private static GuessedColumn LabelOf(TableProfile table, ColumnProfile[] taken)
    {
        var candidates = (
            from column in table.Columns
            where !taken.Contains(column) && !string.IsNullOrWhiteSpace(column.Name) && column.Values > 0
            let rank = Rank(column.Name, LabelNames)
            let few = column.AllNames && column.Counts.Count >= 2 && 2 * column.Counts.Count <= column.Values && column.MeanCharacters <= 60
            where rank < int.MaxValue || (few && Rank(column.Name, OtherNames) == int.MaxValue && Rank(column.Name, IdNames) == int.MaxValue && Rank(column.Name, TextNames) == int.MaxValue)
            // Words teach more than numbers that stand for the same classes.
            orderby few descending, rank, !column.HasLetters, column.Counts.Count, column.MeanCharacters
            select (Column: column, Rank: rank, Few: few)).ToArray();
        if (candidates is not [var best, .. var others])
        {
            throw new InvalidDataException($"{table.Source.Path}: found no column that could be the label; expected one with at least two different values, each on several rows; found {Columns(table)}. If one of them is the label, name it with --label.");
        }
        var rest = others.Where(other => other.Few).Select(other => ShownText.Of(other.Column.Name)).ToArray();
        var why = best.Rank < int.MaxValue ? "by its name" : "the column with the fewest different values";
        return new GuessedColumn(best.Column, rest.Length == 0 ? why : $"{why}; it could also be {string.Join(" or ", rest)}: --label");
    }

    private static (GuessedColumn Text, GuessedColumn? Pair) TextsOf(TableProfile table, GuessedColumn? text, GuessedColumn? pair, ColumnProfile label)
    {
        if (text is null)
        {
            var candidates = (
                from column in table.Columns
                where column != label && column != pair?.Column && column.AllText && column.HasLetters && column.Counts.Count >= 2 && Rank(column.Name, IdNames) != 0 && !string.IsNullOrWhiteSpace(column.Name)
                let rank = Rank(column.Name, TextNames)
                let second = PairOf(table, column, label)
                orderby 50L * column.Counts.Count >= column.Values descending, second is not null descending, rank, column.MeanCharacters descending
                select new GuessedColumn(column, rank < int.MaxValue || second is not null ? "by its name" : "the column with the longest texts")).ToArray();
            text = candidates.FirstOrDefault()
                ?? throw new InvalidDataException($"{table.Source.Path}: found no column of texts beside the label '{label.Name}'; expected one with words in most rows; found {Columns(table)}. If one of them is the text, name it with --text; if '{label.Name}' is not the label, name that with --label.");
            pair ??= PairOf(table, text.Column, label) is { } partner ? new GuessedColumn(partner, "by its name beside the first") : null;
        }
        return text.Column == pair?.Column || text.Column == label || pair?.Column == label
            ? throw new InvalidDataException($"{table.Source.Path}: expected different columns for text, second text and label, found '{text.Column.Name}', '{pair?.Column.Name ?? "none"}' and '{label.Name}'. Choose others with --text, --text-pair and --label.")
            : (text, pair);
    }

    private static ColumnProfile? PairOf(TableProfile table, ColumnProfile first, ColumnProfile label)
    {
        var name = Plain(first.Name);
        var partners = PairNames.Where(pair => pair.First == name).Select(pair => pair.Second)
            .Concat(PairEndings.Where(pair => name.EndsWith(pair.First, StringComparison.Ordinal)).Select(pair => name[..^pair.First.Length] + pair.Second))
            .ToArray();
        return table.Columns.FirstOrDefault(column => column != first && column != label && column.AllText && column.HasLetters && partners.Contains(Plain(column.Name)));
    }

    private static ColumnProfile? IdOf(TableProfile table)
    {
        bool Unique(ColumnProfile column) => column.AllNames && column.Counts.Count == table.Rows;
        if (table["id"] is { } id && !Unique(id))
        {
            // The reader takes a column of this name for the id, whatever is in it.
            return table.Columns.Where(column => Unique(column) && column.MeanCharacters <= 40).OrderBy(column => Rank(column.Name, IdNames)).ThenBy(column => column.MeanCharacters).FirstOrDefault()
                ?? throw new InvalidDataException($"{table.Source.Path}: the column 'id' has {id.Counts.Count:N0} different values in {table.Rows:N0} rows; expected another one in every row. Rename the column if it is no id, or make its values unique.");
        }
        return table.Columns.Where(column => Rank(column.Name, IdNames) < IdNames.Length && Unique(column)).OrderBy(column => Rank(column.Name, IdNames)).FirstOrDefault();
    }

    private static string Columns(TableProfile table) => $"[{string.Join(", ", table.Columns.Select(Describe))}]";

    // The place of the name in a list; behind all of them when one is a word of the name; far behind when none is.
    private static int Rank(string name, string[] known)
    {
        if (Array.IndexOf(known, Plain(name)) is >= 0 and var whole)
            return whole;
        var words = Word().Matches(name).Select(word => word.Value.ToLowerInvariant()).ToArray();
        return Array.FindIndex(known, words.Contains) is >= 0 and var part ? known.Length + part : int.MaxValue;
    }

    private static string Plain(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();

    [GeneratedRegex("[A-Z]?[a-z]+|[A-Z]+")]
    private static partial Regex Word();
}
