namespace Understudy.Data;

/// <summary>What a file's row holds under a column, before it is checked against what the column is for.</summary>
internal enum RawKind
{
    /// <summary>Text.</summary>
    String,

    /// <summary>A JSON number without fraction and exponent that fits 64 bits.</summary>
    Integer,

    /// <summary>Any other JSON number.</summary>
    Number,

    /// <summary>JSON true or false.</summary>
    Boolean,

    /// <summary>JSON null.</summary>
    Null,

    /// <summary>A JSON list.</summary>
    List,

    /// <summary>A JSON object.</summary>
    Object,
}

/// <summary>A value: its kind and its text (JSON's own spelling for everything but strings).</summary>
internal readonly record struct RawValue(RawKind Kind, string Text)
{
    /// <summary>The kind as a noun phrase for error messages.</summary>
    public string Described => Kind switch
    {
        RawKind.String => "a string",
        RawKind.Integer or RawKind.Number => $"the number {Text}",
        RawKind.Boolean => Text,
        RawKind.Null => "null",
        RawKind.List => "a list",
        _ => "an object",
    };
}

/// <summary>A row of a file: the line it begins on, its columns and their values.</summary>
internal readonly record struct RawRow(long Line, IReadOnlyList<string> Columns, IReadOnlyList<RawValue> Values)
{
    /// <summary>The value of a column; null when the row has no such column.</summary>
    public RawValue? this[string column]
    {
        get
        {
            for (var i = 0; i < Columns.Count; i++)
            {
                if (Columns[i] == column)
                    return Values[i];
            }
            return null;
        }
    }
}
