using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Understudy.Tokenization.Chat;

/// <summary>A filter: <c>value | name(arguments)</c>.</summary>
internal delegate object? TemplateFilter(object? value, TemplateArguments arguments);

/// <summary>The filters of Jinja that chat templates use.</summary>
internal static class TemplateFilters
{
    private static readonly Regex Words = new(@"[^-\s({\[<]+", RegexOptions.CultureInvariant);

    private static readonly Dictionary<string, TemplateFilter> Filters = new(StringComparer.Ordinal)
    {
        ["trim"] = (value, arguments) => arguments.Take("chars", null) is { } characters
            ? arguments.Context.Text(value).Trim(TemplateValue.String(characters).ToCharArray())
            : PythonText.Trim(arguments.Context.Text(value)),
        ["length"] = (value, _) => TemplateValue.Length(value),
        ["count"] = (value, _) => TemplateValue.Length(value),
        ["upper"] = (value, arguments) => arguments.Context.Text(value).ToUpperInvariant(),
        ["lower"] = (value, arguments) => arguments.Context.Text(value).ToLowerInvariant(),
        ["title"] = (value, arguments) => Words.Replace(arguments.Context.Text(value), word => PythonText.Capitalize(word.Value)),
        ["capitalize"] = (value, arguments) => PythonText.Capitalize(arguments.Context.Text(value)),
        ["string"] = (value, arguments) => arguments.Context.Text(value),
        ["safe"] = (value, _) => value,
        ["replace"] = (value, arguments) => TemplateMembers.Replace(
            arguments.Context.Text(value), arguments.TakeString("old"), arguments.TakeString("new"), TemplateValue.Integer(arguments.Take("count", -1L)), arguments.Context),
        ["join"] = (value, arguments) =>
        {
            var separator = arguments.Context.Text(arguments.Take("d", ""));
            var attribute = arguments.Take("attribute", null);
            return Join(TemplateValue.Items(value).Select(item => arguments.Context.Text(attribute is null ? item : Attribute(item, attribute))), separator, arguments.Context);
        },
        ["default"] = Default,
        ["d"] = Default,
        ["first"] = (value, _) => TemplateValue.Items(value) is { Count: > 0 } items ? items[0] : new UndefinedValue("the first item of an empty list"),
        ["last"] = (value, _) => TemplateValue.Items(value) is { Count: > 0 } items ? items[^1] : new UndefinedValue("the last item of an empty list"),
        ["list"] = (value, _) => TemplateValue.Items(value).ToList(),
        ["reverse"] = (value, _) => value is string text
            ? string.Concat(PythonText.Characters(text).Cast<string>().Reverse())
            : Enumerable.Reverse(TemplateValue.Items(value)).ToList(),
        ["items"] = (value, _) => value is UndefinedValue ? [] : Pairs(value as TemplateMap ?? throw new TemplateFault($"applies 'items' to {TemplateValue.Kind(value)}.")),
        ["dictsort"] = (value, _) => Pairs(value as TemplateMap ?? throw new TemplateFault($"applies 'dictsort' to {TemplateValue.Kind(value)}."))
            .OrderBy(pair => ((string)((List<object?>)pair!)[0]!).ToLowerInvariant(), StringComparer.Ordinal).ToList(),
        ["map"] = Map,
        ["select"] = (value, arguments) => Select(value, arguments, attribute: null, wanted: true),
        ["reject"] = (value, arguments) => Select(value, arguments, attribute: null, wanted: false),
        ["selectattr"] = (value, arguments) => Select(value, arguments, arguments.Take("attribute"), wanted: true),
        ["rejectattr"] = (value, arguments) => Select(value, arguments, arguments.Take("attribute"), wanted: false),
        ["unique"] = (value, arguments) => Unique(TemplateValue.Items(value), arguments),
        ["sum"] = (value, arguments) => TemplateValue.Items(value).Aggregate((object?)0L, (sum, item) => TemplateArithmetic.Apply("+", sum, item, arguments.Context)),
        ["abs"] = (value, arguments) => TemplateValue.Compare(value, 0L) < 0 ? TemplateArithmetic.Apply("-", 0L, value, arguments.Context) : value,
        ["int"] = (value, arguments) => ToInteger(value, arguments.Take("default", 0L)),
        ["float"] = (value, arguments) => value is string text
            ? double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : arguments.Take("default", 0.0)
            : TemplateValue.Double(value),
        ["indent"] = Indent,
        ["tojson"] = (value, arguments) =>
        {
            var builder = new StringBuilder();
            var indent = arguments.Take("indent", null) is { } width ? (int?)Math.Clamp(TemplateValue.Integer(width), 0, 16) : null;
            // What is not ASCII is left as it is in any case, which is the default of transformers.
            arguments.Take("ensure_ascii", null);
            TemplateJson.Append(builder, arguments.Context.Weighed(value, indent ?? 0), indent);
            return builder.ToString();
        },
    };

    public static string Names => string.Join(", ", Filters.Keys);

    public static TemplateFilter? Find(string name) => Filters.GetValueOrDefault(name);

    public static List<object?> Pairs(TemplateMap map) => [.. map.Select(entry => (object?)new TemplateTuple([entry.Key, entry.Value]))];

    public static string Join(IEnumerable<string> parts, string separator, TemplateContext context)
    {
        var builder = new StringBuilder();
        var isFirst = true;
        foreach (var part in parts)
        {
            context.Spend(part.Length + separator.Length);
            if (!isFirst) builder.Append(separator);
            builder.Append(part);
            isFirst = false;
        }
        return builder.ToString();
    }

    private static object? Default(object? value, TemplateArguments arguments)
    {
        var fallback = arguments.Take("default_value", "");
        var falseToo = TemplateValue.IsTrue(arguments.Take("boolean", false));
        return value is UndefinedValue || (falseToo && !TemplateValue.IsTrue(value)) ? fallback : value;
    }

    private static List<object?> Map(object? value, TemplateArguments arguments)
    {
        var items = TemplateValue.Items(value);
        if (arguments.Named.ContainsKey("attribute"))
        {
            var attribute = arguments.Take("attribute");
            var fallback = arguments.Take("default", null);
            return items.Select(item => Attribute(item, attribute) is var found && found is UndefinedValue && fallback is not null ? fallback : found).ToList();
        }
        var name = arguments.TakeString("filter");
        var filter = Find(name) ?? throw Unknown(name);
        var rest = arguments.TakeRest();
        return items.Select(item => filter(item, new TemplateArguments(name, rest, [], arguments.Context))).ToList();
    }

    private static List<object?> Select(object? value, TemplateArguments arguments, object? attribute, bool wanted)
    {
        var name = arguments.Take("test", null) is { } given ? TemplateValue.String(given) : null;
        var test = name is null ? (candidate, _) => TemplateValue.IsTrue(candidate) : TemplateTests.Find(name) ?? throw TemplateTests.Unknown(name);
        var rest = arguments.TakeRest();
        return TemplateValue.Items(value).FindAll(item =>
        {
            arguments.Context.Step();
            var candidate = attribute is null ? item : Attribute(item, attribute);
            return test(candidate, new TemplateArguments(name ?? "select", rest, [], arguments.Context)) == wanted;
        });
    }

    private static List<object?> Unique(List<object?> items, TemplateArguments arguments)
    {
        var unique = new List<object?>();
        foreach (var item in items)
        {
            arguments.Context.Step();
            if (!unique.Exists(known => arguments.Context.AreEqual(known, item))) unique.Add(item);
        }
        return unique;
    }

    private static object? ToInteger(object? value, object? fallback) => value switch
    {
        string text => long.TryParse(PythonText.Trim(text), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : fallback,
        double number => double.IsFinite(number) && Math.Abs(number) < 9e18 ? (long)number : fallback,
        null or UndefinedValue => fallback,
        _ => TemplateValue.Integer(value),
    };

    private static string Indent(object? value, TemplateArguments arguments)
    {
        var width = arguments.Take("width", 4L);
        var first = TemplateValue.IsTrue(arguments.Take("first", false));
        var blank = TemplateValue.IsTrue(arguments.Take("blank", false));
        var margin = width as string ?? (string)TemplateArithmetic.Apply("*", " ", width, arguments.Context)!;
        var lines = arguments.Context.Text(value).Split('\n');
        return Join(lines.Select((line, i) => (i == 0 ? first : blank || line.Length > 0) ? margin + line : line), "\n", arguments.Context);
    }

    /// <summary>An attribute of an item by name, by parts joined with dots, or by number.</summary>
    private static object? Attribute(object? item, object? attribute)
    {
        if (attribute is not string path) return TemplateMembers.Get(item, attribute, isAttribute: false);
        foreach (var name in path.Split('.'))
            item = TemplateMembers.Get(item, long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : name, isAttribute: false);
        return item;
    }

    public static TemplateFault Unknown(string name) => new($"uses the filter '{name}', which is not supported. Supported are {Names}.");
}
