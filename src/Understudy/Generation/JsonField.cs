using System.Text;

namespace Understudy.Generation;

/// <summary>What the value of a <see cref="JsonField"/> is.</summary>
public enum JsonFieldKind
{
    /// <summary>A string.</summary>
    String,

    /// <summary>A string out of a set.</summary>
    OneOf,

    /// <summary>A number without fraction and exponent, of any size.</summary>
    Integer,

    /// <summary>A number as of RFC 8259, section 6.</summary>
    Number,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Boolean,
}

/// <summary>A field of the object that a <see cref="JsonConstraint"/> lets through. Immutable.</summary>
public sealed class JsonField
{
    private JsonField(string name, JsonFieldKind kind)
    {
        RequireText(name, nameof(name));
        if (name.Length == 0) throw new ArgumentException("A field needs a name; found an empty one.", nameof(name));
        (Name, Kind) = (name, kind);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>What its value is.</summary>
    public JsonFieldKind Kind { get; }

    /// <summary>The most characters (Unicode code points; an escape counts for the character that it stands for) of a string; null for any number.</summary>
    public int? MaxLength { get; private init; }

    /// <summary>Whether a string may be empty.</summary>
    public bool AllowsEmpty { get; private init; }

    /// <summary>The values of a string out of a set; empty for others.</summary>
    public IReadOnlyList<string> Values { get; private init; } = [];

    /// <summary>A string.</summary>
    /// <param name="name">The field's name; not empty.</param>
    /// <param name="maxLength">The most characters (Unicode code points), at least 1; null for any number.</param>
    /// <param name="allowsEmpty">Whether it may be empty.</param>
    /// <exception cref="ArgumentException">The name is empty or holds half a surrogate pair, or the length is out of range.</exception>
    public static JsonField String(string name, int? maxLength = null, bool allowsEmpty = true)
    {
        if (maxLength is { } length) ArgumentOutOfRangeException.ThrowIfLessThan(length, 1, nameof(maxLength));
        return new JsonField(name, JsonFieldKind.String) { MaxLength = maxLength, AllowsEmpty = allowsEmpty };
    }

    /// <summary>A string out of a set.</summary>
    /// <param name="name">The field's name; not empty.</param>
    /// <param name="values">The values, at least one.</param>
    /// <exception cref="ArgumentException">The name is empty, there is no value, one comes twice, or a text holds half a surrogate pair.</exception>
    public static JsonField OneOf(string name, IEnumerable<string> values)
    {
        string[] all = [.. values];
        if (all.Length == 0) throw new ArgumentException($"The field '{name}' allows no value. Give it at least one.", nameof(values));
        if (all.GroupBy(value => value, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"The field '{name}' has the value '{twice.Key}' twice. Remove one.", nameof(values));
        foreach (var value in all) RequireText(value, nameof(values));
        return new JsonField(name, JsonFieldKind.OneOf) { Values = all };
    }

    /// <summary>A number without fraction and exponent, of any size.</summary>
    /// <exception cref="ArgumentException">The name is empty or holds half a surrogate pair.</exception>
    public static JsonField Integer(string name) => new(name, JsonFieldKind.Integer);

    /// <summary>A number as of RFC 8259, of any size.</summary>
    /// <exception cref="ArgumentException">The name is empty or holds half a surrogate pair.</exception>
    public static JsonField Number(string name) => new(name, JsonFieldKind.Number);

    /// <summary><c>true</c> or <c>false</c>.</summary>
    /// <exception cref="ArgumentException">The name is empty or holds half a surrogate pair.</exception>
    public static JsonField Boolean(string name) => new(name, JsonFieldKind.Boolean);

    /// <summary>The same field with one value of its set.</summary>
    internal JsonField With(string value) => new(Name, Kind) { Values = [value] };

    private static void RequireText(string text, string parameter)
    {
        for (var rest = text.AsSpan(); rest.Length > 0;)
        {
            if (Rune.DecodeFromUtf16(rest, out _, out var units) != System.Buffers.OperationStatus.Done)
                throw new ArgumentException($"'{text}' holds half a surrogate pair at position {text.Length - rest.Length}, which is no character. Remove it.", parameter);
            rest = rest[units..];
        }
    }
}
