namespace Understudy.Data;

/// <summary>Says of a column that was taken for the label why no classification task can be made of it.</summary>
internal static class LabelFaults
{
    private const string Other = "Name another column with --label";

    /// <exception cref="InvalidDataException">The column cannot be the label.</exception>
    public static void ThrowIfAny(TableProfile table, ColumnProfile label)
    {
        if (Fault(table, label) is { } fault)
            throw new InvalidDataException($"{table.Source.Path}: {fault}");
    }

    private static string? Fault(TableProfile table, ColumnProfile label)
    {
        var (name, count) = (label.Name, label.Counts.Count);
        if (label.Values < table.Rows)
        {
            var place = label.FirstBlank is { } line ? $", the first on line {line}" : "";
            return $"{table.Rows - label.Values:N0} of {table.Rows:N0} rows have no label in column '{name}'{place}; expected one on every row. Fill them in, or move these rows to a file of their own and name it with --unlabelled.";
        }
        if (!label.AllNames)
            return $"column '{name}' holds lists, objects or fractions; expected a string, an integer, true or false as label. {Other}.";
        if (count == 1)
            return $"column '{name}' says '{Shown(label.Counts.Keys.First())}' in all {table.Rows:N0} rows; expected at least two labels to tell apart. {Other}, or add rows with other labels.";
        if (2L * count > table.Rows)
            return $"column '{name}' has {count:N0} different values in {table.Rows:N0} rows, so it cannot be learnt as a label; expected at least two rows for a label on average. {Other}, or add rows.";
        var twins = label.Counts.Keys.GroupBy(one => one.Trim(), StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1);
        return twins is null ? null : $"column '{name}' has labels that differ in white space alone: {string.Join(" and ", twins.Select(one => $"'{Shown(one)}'"))}; expected one spelling for each label. Make them one.";
    }

    private static string Shown(string label) => label.Length <= 60 ? label : $"{label[..60]}...";
}
