using Understudy.Data;
using Understudy.Tokenization;

namespace Understudy.Generation;

/// <summary>
/// A text that is one JSON object (RFC 8259) with given fields in a given order and no others, such as <c>{"text": "...", "label": "greeting"}</c>.
/// Every token may follow that can still become one, whichever tokens write it. Immutable and safe for use from several threads.
/// </summary>
/// <remarks>
/// White space: at most one space at the beginning, after a colon and after a comma, and none elsewhere, which covers <c>json.dumps</c> of Python,
/// <c>System.Text.Json</c> and a tokenizer that joins a space with the first word. Strings, names of fields included, may be written with any escapes;
/// they are well-formed UTF-8 without control characters, and escaped surrogates come in pairs. The object is whole with its closing brace.
/// </remarks>
public sealed class JsonConstraint : ITokenConstraint
{
    private readonly GraphConstraint constraint;

    /// <summary>A constraint for one object.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="fields">The fields in order, at least one.</param>
    /// <param name="endOfTextTokenIds">Tokens that end a text, allowed after the object; may be left out, as the object is whole without them.</param>
    /// <exception cref="ArgumentException">There is no field, two have the same name, or the tokens cannot write the object or one of the values that a field may have.</exception>
    /// <exception cref="NotSupportedException">The tokenizer's decoder makes a token's text depend on the tokens after it.</exception>
    public JsonConstraint(Tokenizer tokenizer, IReadOnlyList<JsonField> fields, IEnumerable<int>? endOfTextTokenIds = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (fields.Count == 0) throw new ArgumentException("Expected at least one field, found none.", nameof(fields));
        if (fields.GroupBy(field => field.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Two fields are called '{twice.Key}'. Remove one, or give it another name.", nameof(fields));
        int[] ends = [.. endOfTextTokenIds ?? []];
        constraint = new GraphConstraint(tokenizer, JsonGraph.Of(fields), ends);
        if (constraint.CanWriteAll) return;
        if (!constraint.CanBegin) throw new ArgumentException(CannotWrite(tokenizer, fields), nameof(fields));
        foreach (var field in fields)
        {
            foreach (var value in field.Values)
            {
                var alone = JsonGraph.Of([.. fields.Select(other => other == field ? field.With(value) : other)]);
                if (!new GraphConstraint(tokenizer, alone, ends).CanBegin)
                    throw new ArgumentException($"The tokenizer has no tokens to write the value '{value}' of the field '{field.Name}'. Write it otherwise.", nameof(fields));
            }
        }
    }

    /// <summary>
    /// An object with the columns of a row: the text, the second text and the further fields where the map names them, and the label, which is one of the
    /// set. What comes is a line of JSON Lines for the same map.
    /// </summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="columns">The columns; a text is not empty, other strings may be.</param>
    /// <param name="labels">The labels.</param>
    /// <param name="maxLength">The most characters (Unicode code points) of each string, at least 1; null for any number.</param>
    /// <param name="endOfTextTokenIds">Tokens that end a text, allowed after the object.</param>
    /// <exception cref="ArgumentException">The tokens cannot write the object or one of the labels.</exception>
    /// <exception cref="NotSupportedException">The tokenizer's decoder makes a token's text depend on the tokens after it.</exception>
    public static JsonConstraint ForRows(Tokenizer tokenizer, ColumnMap columns, LabelSet labels, int? maxLength = null, IEnumerable<int>? endOfTextTokenIds = null)
    {
        IEnumerable<string> others = columns.TextPair is { } pair ? [pair, .. columns.Fields] : columns.Fields;
        return new JsonConstraint(
            tokenizer,
            [
                JsonField.String(columns.Text, maxLength, allowsEmpty: false),
                .. others.Where(column => column != columns.Text).Distinct().Select(column => JsonField.String(column, maxLength)),
                JsonField.OneOf(columns.Label, labels),
            ],
            endOfTextTokenIds);
    }

    /// <inheritdoc/>
    public TokenConstraintState Begin() => constraint.Begin();

    private static string CannotWrite(Tokenizer tokenizer, IReadOnlyList<JsonField> fields)
    {
        var written = Enumerable.Range(0, tokenizer.TokenBytes.Count).SelectMany(id => tokenizer.TokenBytes.Of(id).ToArray()).ToHashSet();
        var missing = string.Concat(fields.Select(field => field.Name).Prepend("{\":}").Append(fields.Count > 1 ? "," : ""))
            .EnumerateRunes().Where(character => character.IsAscii && !written.Contains((byte)character.Value)).Distinct().ToList();
        var what = missing.Count == 0 ? "" : $"; it lacks {string.Join(" ", missing)}";
        return $"The tokenizer has no tokens to write a JSON object with the fields {string.Join(", ", fields.Select(field => $"'{field.Name}'"))}{what}. Take a model whose tokenizer knows all bytes.";
    }
}
