using System.Globalization;
using System.Text;

namespace Understudy.Tokenization.Chat;

/// <summary>The values of a template as JSON.</summary>
internal static class TemplateJson
{
    /// <summary>Python's <c>json.dumps</c> without escaping of what is not ASCII.</summary>
    public static void Append(StringBuilder builder, object? value, int? indent, int depth = 0)
    {
        switch (value)
        {
            case null: builder.Append("null"); break;
            case bool flag: builder.Append(flag ? "true" : "false"); break;
            case long or double: builder.Append(TemplateValue.Representation(value)); break;
            case string text: AppendText(builder, text); break;
            case List<object?> list:
                AppendItems(builder, '[', ']', list, indent, depth, item => Append(builder, item, indent, depth + 1));
                break;
            case TemplateMap map:
                AppendItems(builder, '{', '}', map, indent, depth, entry =>
                {
                    AppendText(builder, entry.Key);
                    builder.Append(": ");
                    Append(builder, entry.Value, indent, depth + 1);
                });
                break;
            default: throw new TemplateFault($"writes {TemplateValue.Kind(value)} as JSON.");
        }
    }

    private static void AppendItems<T>(StringBuilder builder, char open, char close, IReadOnlyCollection<T> items, int? indent, int depth, Action<T> append)
    {
        builder.Append(open);
        var isFirst = true;
        foreach (var item in items)
        {
            if (!isFirst) builder.Append(indent is null ? ", " : ",");
            isFirst = false;
            if (indent is { } width) builder.Append('\n').Append(' ', width * (depth + 1));
            append(item);
        }
        if (indent is { } last && items.Count > 0) builder.Append('\n').Append(' ', last * depth);
        builder.Append(close);
    }

    private static void AppendText(StringBuilder builder, string text)
    {
        builder.Append('"');
        foreach (var character in text)
        {
            _ = character switch
            {
                '"' => builder.Append("\\\""),
                '\\' => builder.Append("\\\\"),
                '\n' => builder.Append("\\n"),
                '\r' => builder.Append("\\r"),
                '\t' => builder.Append("\\t"),
                '\b' => builder.Append("\\b"),
                '\f' => builder.Append("\\f"),
                < ' ' => builder.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
                _ => builder.Append(character),
            };
        }
        builder.Append('"');
    }
}
