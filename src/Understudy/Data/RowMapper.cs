using System.Text.Json;

namespace Understudy.Data;

/// <summary>Turns a file's rows into examples by a column map, and says what is wrong with a row.</summary>
internal sealed class RowMapper
{
    private readonly string path;
    private readonly string fileName;
    private readonly ColumnMap map;
    private readonly bool labelled;
    private readonly LabelSet? labels;
    private readonly string[] kept;

    /// <summary>A mapper for the rows of one file.</summary>
    /// <param name="path">The file, for error messages and ids.</param>
    /// <param name="map">Which column holds what.</param>
    /// <param name="labelled">Whether rows must have a label; otherwise labels are not read.</param>
    /// <param name="labels">The labels that rows may have; null for any.</param>
    public RowMapper(string path, ColumnMap map, bool labelled, LabelSet? labels)
    {
        this.path = path;
        this.map = map;
        this.labelled = labelled;
        this.labels = labels;
        fileName = Path.GetFileName(path);
        kept = [.. map.TemplateFields().Where(name => name is not ("text" or "text_pair" or "id"))];
    }

    /// <summary>The row as an example.</summary>
    /// <exception cref="InvalidDataException">A column is missing, has a value of the wrong kind, or is empty.</exception>
    public Example Map(RawRow row)
    {
        var text = Text(row, map.Text, "text");
        if (string.IsNullOrWhiteSpace(text))
            throw Fault(row, $"column '{map.Text}' is empty; expected a text. Remove the row or fill it in.");
        var example = new Example
        {
            Id = Id(row),
            Text = text,
            TextPair = map.TextPair is { } pair ? Text(row, pair, "text_pair") : null,
            Weight = map.Weight is { } weight ? Weight(row, weight) : 1,
        };
        if (kept.Length > 0)
            example = example with { Fields = Fields(row) };
        if (!labelled)
            return example;
        var soft = map.LabelProbabilities is { } column ? SoftLabel(row, column) : null;
        var label = Label(row, optional: soft is not null) ?? MostProbable(soft!);
        foreach (var name in soft?.Keys.Append(label) ?? [label])
        {
            if (labels?.Contains(name) == false)
                throw Fault(row, $"{labels.NotInSet(name)} Add it to 'data.labels' or fix the row.");
        }
        return example with { LabelProbabilities = soft, Label = label };
    }

    private string Id(RawRow row)
    {
        if (map.Id is null && row["id"] is null)
            return $"{fileName}:{row.Line}";
        var column = map.Id ?? "id";
        var value = Value(row, column, "id");
        if (value.Kind is not (RawKind.String or RawKind.Integer))
            throw Fault(row, $"column '{column}' holds {value.Described}; expected a string or an integer as id.");
        return value.Text.Length > 0 ? value.Text : throw Fault(row, $"column '{column}' is empty; expected an id. Fill it in, or map another column with 'columns.id'.");
    }

    private string Text(RawRow row, string column, string key)
    {
        var value = Value(row, column, key);
        if (value.Kind != RawKind.String)
            throw Fault(row, $"column '{column}' holds {value.Described}; expected a string.");
        return value.Text.Contains('\0') ? throw Fault(row, $"column '{column}' holds a NUL character, which is not text. Remove it.") : value.Text;
    }

    private string? Label(RawRow row, bool optional)
    {
        if (optional && row[map.Label] is null or { Kind: RawKind.Null })
            return null;
        var value = Value(row, map.Label, "label");
        if (value.Kind is RawKind.Null)
            throw Fault(row, $"column '{map.Label}' is null; expected a label. Fill it in, or list the file under 'unlabelled'.");
        if (value.Kind is not (RawKind.String or RawKind.Integer or RawKind.Boolean))
            throw Fault(row, $"column '{map.Label}' holds {value.Described}; expected a string, an integer, true or false as label.");
        return string.IsNullOrWhiteSpace(value.Text)
            ? throw Fault(row, $"column '{map.Label}' is empty; expected a label. Fill it in, or list the file under 'unlabelled'.")
            : value.Text;
    }

    private double Weight(RawRow row, string column)
    {
        var value = Value(row, column, "weight");
        // CSV has no numbers, only text.
        return value.Kind is RawKind.Integer or RawKind.Number or RawKind.String && double.TryParse(value.Text, out var weight) && weight >= 0 && double.IsFinite(weight)
            ? weight
            : throw Fault(row, $"column '{column}' holds {(value.Kind == RawKind.String ? $"'{value.Text}'" : value.Described)}; expected a weight, a number of at least 0.");
    }

    private Dictionary<string, double>? SoftLabel(RawRow row, string column)
    {
        var value = Value(row, column, "label_probabilities");
        if (value.Kind == RawKind.Null)
            return null;
        try
        {
            if (value.Kind is RawKind.Object or RawKind.String
                && JsonSerializer.Deserialize<Dictionary<string, double>>(value.Text) is { Count: > 0 } soft
                && soft.Values.All(probability => probability is >= 0 and <= 1)
                && Math.Abs(soft.Values.Sum() - 1) <= 1e-3)
            {
                return soft;
            }
        }
        catch (JsonException)
        {
            // Reported with every other kind of wrong value below.
        }
        throw Fault(row, $"column '{column}' is not a soft label; expected an object of labels and probabilities that sum to 1, such as {{\"yes\": 0.9, \"no\": 0.1}}.");
    }

    private static string MostProbable(Dictionary<string, double> soft) =>
        soft.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal).First().Key;

    private Dictionary<string, string> Fields(RawRow row)
    {
        var fields = new Dictionary<string, string>(kept.Length, StringComparer.Ordinal);
        foreach (var column in kept)
        {
            var value = Value(row, column, "fields");
            if (value.Kind is RawKind.Null or RawKind.List or RawKind.Object)
                throw Fault(row, $"column '{column}' holds {value.Described}; expected a string, a number, true or false for a prompt field.");
            fields[column] = value.Text;
        }
        return fields;
    }

    private RawValue Value(RawRow row, string column, string key) => row[column] ?? throw Fault(row, Missing(row, column, key));

    private static string Missing(RawRow row, string column, string key)
    {
        var suggestion = Suggest.DidYouMean(column, row.Columns);
        // A header in one piece was cut at the wrong character.
        if (row.Columns is [var only] && only.IndexOfAny([';', '\t', '|', ',']) is >= 0 and var at)
            suggestion = $" Set 'delimiter' if the fields are separated by '{(only[at] == '\t' ? "\\t" : only[at])}'.";
        return $"there is no column '{column}'; found [{string.Join(", ", row.Columns)}].{suggestion} Set 'columns.{key}' to the column to use.";
    }

    private InvalidDataException Fault(RawRow row, string message) => new($"{path}({row.Line}): {message}");
}
