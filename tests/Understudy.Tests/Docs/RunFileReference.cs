using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Tests.Docs;

/// <summary>The reference of every key of a run file, from the records and their documentation.</summary>
internal static partial class RunFileReference
{
    private static readonly Dictionary<string, XElement> Members = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "Understudy.xml"))
        .Descendants("member").ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>Markdown: a heading and a table for every record, in the order in which the run file leads to them.</summary>
    public static string Write()
    {
        var places = new Dictionary<Type, List<string>>();
        var order = new List<Type>();
        Collect(typeof(RunOptions), "", places, order);
        var text = new StringBuilder();
        foreach (var record in order)
        {
            text.Append(record == typeof(RunOptions) ? "## The run\n\n" : $"## {string.Join(", ", places[record].Select(place => $"`{place}`"))}\n\n");
            text.Append(Prose(Members[$"T:{record.FullName}"].Element("summary")!)).Append("\n\n| key | value | default | |\n|---|---|---|---|\n");
            foreach (var option in OptionSchema.Of(record).Options)
                text.Append(Row(record, option));
            text.Append('\n');
        }
        return text.ToString();
    }

    private static void Collect(Type record, string path, Dictionary<Type, List<string>> places, List<Type> order)
    {
        if (!places.TryGetValue(record, out var known))
        {
            places[record] = known = [];
            order.Add(record);
        }
        known.Add(path);
        foreach (var option in OptionSchema.Of(record).Options)
        {
            var (inner, suffix) = option.Shape.Element is { } element ? (element.Type, "[]") : (option.Shape.Type, "");
            if (OptionSchema.IsSection(inner))
                Collect(inner, (path.Length == 0 ? "" : $"{path}.") + option.Key + suffix, places, order);
        }
    }

    private static string Row(Type record, OptionSchema.Option option)
    {
        var member = Members[$"P:{record.FullName}.{option.Property.Name}"];
        var value = member.Descendants("value").FirstOrDefault();
        var summary = new XElement(member.Element("summary")!);
        summary.Descendants("value").Remove();
        var standard = option.Required ? "required"
            : value is null ? throw new InvalidOperationException($"{record.Name}.{option.Property.Name} does not say its default in <value>.")
            : Standard(Prose(value));
        return $"| `{option.Key}` | {Kind(option.Shape)} | {Cell(standard)} | {Cell(Prose(summary))} |\n";
    }

    private static string Kind(ValueShape shape) =>
        shape.IsMap ? "names and values"
        : shape.Element is { } element ? $"list of {Kind(element)}{(element.Type.IsEnum ? "" : "s")}"
        : OptionSchema.IsSection(shape.Type) ? "section"
        : shape.Path == PathUse.ReadModel ? "path or model name"
        : shape.Path != PathUse.None ? "path"
        : shape.Type.IsEnum ? string.Join(", ", Enum.GetNames(shape.Type).Select(name => $"`{OptionSchema.KeyOf(name)}`"))
        : ScalarValue.Describe(shape.Type).Replace("a ", "", StringComparison.Ordinal);

    // "The default value is 3. At least 1." reads "3. At least 1." under the heading "default".
    private static string Standard(string text)
    {
        foreach (var opening in new[] { "The default value is ", "By default it is ", "By default " })
        {
            if (text.StartsWith(opening, StringComparison.Ordinal))
                return text[opening.Length..].TrimEnd('.');
        }
        return text.TrimEnd('.');
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    private static string Prose(XElement element)
    {
        var text = string.Concat(element.Nodes().Select(node => node switch
        {
            XText plain => plain.Value,
            XElement { Name.LocalName: "see" } see => Reference(see),
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement other => Prose(other),
            _ => "",
        }));
        return Space().Replace(text, " ").Trim();
    }

    private static string Reference(XElement see)
    {
        var target = see.Attribute("cref")?.Value ?? throw new InvalidOperationException($"No cref in {see}.");
        return target[0] is 'P' or 'F' ? $"`{OptionSchema.KeyOf(target[(target.LastIndexOf('.') + 1)..])}`" : $"`{target[(target.LastIndexOf('.') + 1)..]}`";
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
