using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Understudy.Data;

/// <summary>
/// A text with placeholders: <c>{text}</c> stands for a value, <c>{{</c> and <c>}}</c> for a brace. It is rendered with
/// values, and matched against a text to get the values back. Immutable.
/// </summary>
public sealed class Template
{
    // Literal, field, literal, field, ..., literal: always one literal more than fields, empty ones included.
    private readonly string[] literals;
    private readonly string[] fields;

    private Template(string source, string[] literals, string[] fields) => (Source, this.literals, this.fields) = (source, literals, fields);

    /// <summary>The template as it was written.</summary>
    public string Source { get; }

    /// <summary>The names of the placeholders in order, repeated ones repeated.</summary>
    public IReadOnlyList<string> Fields => fields;

    /// <summary>The texts around the placeholders: one more than there are placeholders.</summary>
    public IReadOnlyList<string> Literals => literals;

    /// <summary>Reads a template.</summary>
    /// <exception cref="FormatException">A brace has no partner or a placeholder has no name; the message says where.</exception>
    public static Template Parse(string source) =>
        TryParse(source, out var template, out var fault) ? template : throw new FormatException(fault);

    /// <summary>Reads a template; false with a sentence in <paramref name="fault"/> when it is not one.</summary>
    public static bool TryParse(string source, [NotNullWhen(true)] out Template? template, [NotNullWhen(false)] out string? fault)
    {
        template = null;
        fault = null;
        var literals = new List<string>();
        var fields = new List<string>();
        var literal = new StringBuilder();
        for (var at = 0; at < source.Length; at++)
        {
            var c = source[at];
            if (c is '{' or '}' && at + 1 < source.Length && source[at + 1] == c)
            {
                literal.Append(c);
                at++;
            }
            else if (c == '{')
            {
                var length = source.AsSpan(at + 1).IndexOfAny('{', '}');
                if (length < 0 || source[at + 1 + length] == '{')
                    fault = $"the brace at character {at + 1} of '{source}' is never closed. Close it, or write {{{{ for a brace.";
                else if (source.AsSpan(at + 1, length).IsWhiteSpace())
                    fault = $"the placeholder at character {at + 1} of '{source}' has no name. Name a field, such as {{text}}.";
                if (fault is not null)
                    return false;
                literals.Add(literal.ToString());
                literal.Clear();
                fields.Add(source.Substring(at + 1, length));
                at += length + 1;
            }
            else if (c == '}')
            {
                fault = $"the closing brace at character {at + 1} of '{source}' was never opened. Write }}}} for a brace.";
                return false;
            }
            else
            {
                literal.Append(c);
            }
        }
        literals.Add(literal.ToString());
        template = new Template(source, [.. literals], [.. fields]);
        return true;
    }

    /// <summary>The text with every placeholder replaced by its value.</summary>
    /// <param name="value">The value of a field.</param>
    public string Render(Func<string, string> value)
    {
        var text = new StringBuilder(literals[0]);
        for (var i = 0; i < fields.Length; i++)
            text.Append(value(fields[i])).Append(literals[i + 1]);
        return text.ToString();
    }

    /// <summary>
    /// Finds the values with which the template renders to <paramref name="text"/>, white space at the ends of the text and
    /// of every value aside. Each literal between two placeholders must occur exactly once after the one before it.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="values">The trimmed value of each placeholder, in the template's order.</param>
    /// <returns>False when the text does not have the template's form, or in more than one way.</returns>
    public bool TryMatch(string text, [NotNullWhen(true)] out string[]? values)
    {
        values = null;
        var rest = text.AsSpan().Trim();
        var head = literals[0].AsSpan().Trim();
        var tail = literals[^1].AsSpan().Trim();
        if (fields.Length == 0 || rest.Length < head.Length + tail.Length || !rest.StartsWith(head) || !rest.EndsWith(tail))
            return false;
        rest = rest[head.Length..^tail.Length];
        var found = new string[fields.Length];
        for (var i = 0; i < fields.Length - 1; i++)
        {
            // "\nAnswer: " may have lost its last space where the answer is empty.
            var separator = string.IsNullOrWhiteSpace(literals[i + 1]) ? literals[i + 1] : literals[i + 1].TrimEnd(' ');
            var at = separator.Length == 0 ? -1 : rest.IndexOf(separator);
            if (at < 0)
                return false;
            found[i] = rest[..at].Trim().ToString();
            rest = rest[(at + separator.Length)..];
            if (rest.Contains(separator, StringComparison.Ordinal))
                return false;
        }
        found[^1] = rest.Trim().ToString();
        values = found;
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Source;
}
