using System.Collections;
using System.Text;
using System.Text.RegularExpressions;

namespace Understudy.Runs;

/// <summary>Writes options as a run file with every value explicit, such that reading it gives equal options.</summary>
internal sealed partial class RunFileWriter
{
    // What one YAML reader or another takes for something else than a text.
    private static readonly HashSet<string> Words = new(["null", "true", "false", "yes", "no", "on", "off", "y", "n"], StringComparer.OrdinalIgnoreCase);

    private readonly StringBuilder yaml = new();
    private readonly IReadOnlyDictionary<string, string> secrets;

    private RunFileWriter(IReadOnlyDictionary<string, string> secrets) => this.secrets = secrets;

    /// <param name="options">An options record.</param>
    /// <param name="secrets">Texts to write instead of the values that were filled in from them, by key path.</param>
    public static string Write(object options, IReadOnlyDictionary<string, string> secrets)
    {
        var writer = new RunFileWriter(secrets);
        writer.Section(options, 0, "", false);
        return writer.yaml.ToString();
    }

    private void Section(object record, int indent, string path, bool inList)
    {
        foreach (var option in OptionSchema.Of(record.GetType()).Options)
        {
            Indent(inList ? 0 : indent).Append(option.Key).Append(':');
            inList = false;
            Value(option.Property.GetValue(record), indent, path.Length == 0 ? option.Key : $"{path}.{option.Key}");
        }
    }

    private void Value(object? value, int indent, string path)
    {
        switch (value)
        {
            case null:
                yaml.Append(" null\n");
                break;
            case string text:
                yaml.Append(' ').Append(secrets.TryGetValue(path, out var raw) ? Quoted(raw) : Text(text)).Append('\n');
                break;
            case IDictionary map:
                Map(map, indent, path);
                break;
            case IEnumerable list:
                List(list, indent, path);
                break;
            case var record when OptionSchema.IsSection(record.GetType()):
                yaml.Append('\n');
                Section(record, indent + 1, path, false);
                break;
            default:
                yaml.Append(' ').Append(secrets.TryGetValue(path, out raw) ? raw : ScalarValue.Text(value)).Append('\n');
                break;
        }
    }

    private void Map(IDictionary map, int indent, string path)
    {
        yaml.Append(map.Count == 0 ? " {}\n" : "\n");
        foreach (DictionaryEntry entry in map)
        {
            Indent(indent + 1).Append(Quoted((string)entry.Key)).Append(':');
            Value(entry.Value, indent + 1, $"{path}.{entry.Key}");
        }
    }

    private void List(IEnumerable list, int indent, string path)
    {
        var items = list.Cast<object?>().ToArray();
        yaml.Append(items.Length == 0 ? " []\n" : "\n");
        for (var i = 0; i < items.Length; i++)
        {
            Indent(indent + 1).Append('-');
            if (items[i] is { } record && OptionSchema.IsSection(record.GetType()))
            {
                yaml.Append(' ');
                Section(record, indent + 2, $"{path}[{i}]", true);
            }
            else
            {
                Value(items[i], indent + 1, $"{path}[{i}]");
            }
        }
    }

    private StringBuilder Indent(int indent) => yaml.Append(' ', 2 * indent);

    /// <summary>A text as a value of a run file, in quotation marks where it needs them; it is safe within brackets and braces, too.</summary>
    public static string Text(string text) =>
        BareText().IsMatch(text) && !Words.Contains(text)
            ? text
            : Quoted(EnvironmentText.Escape(text));

    /// <summary>A text in quotation marks, as a key or a value that no environment variable is filled into.</summary>
    public static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\t' => "\\t",
                '\r' => "\\r",
                // What YAML does not take as it stands: controls, its three further line breaks, the byte-order mark.
                _ when char.IsControl(c) || c is '\u2028' or '\u2029' or '\uFEFF' or >= '\uFFFE' => $"\\u{(int)c:X4}",
                _ => c.ToString(),
            });
        }
        return quoted.Append('"').ToString();
    }

    // Beginning with a letter and free of YAML's own characters, it can be nothing but a text.
    [GeneratedRegex(@"\A[A-Za-z_/][A-Za-z0-9_./+-]*\z")]
    private static partial Regex BareText();
}
