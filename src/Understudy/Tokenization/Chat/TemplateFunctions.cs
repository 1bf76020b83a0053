namespace Understudy.Tokenization.Chat;

/// <summary>The functions that every template can call.</summary>
internal static class TemplateFunctions
{
    private const int LongestRange = 100_000;

    private static readonly Dictionary<string, TemplateFunction> Functions = new(StringComparer.Ordinal)
    {
        ["raise_exception"] = arguments => throw new TemplateRefusal(arguments.Context.Text(arguments.Take("message"))),
        ["strftime_now"] = arguments => PythonText.FormatTime(arguments.Context.Clock.GetLocalNow(), Last(arguments, arguments.TakeString("format"))),
        ["range"] = Range,
        ["namespace"] = arguments =>
        {
            var space = new TemplateNamespace();
            foreach (var (name, value) in Entries(arguments)) space.Attributes[name] = value;
            return space;
        },
        ["dict"] = arguments =>
        {
            var map = new TemplateMap();
            foreach (var (name, value) in Entries(arguments)) map[name] = value;
            return map;
        },
    };

    public static string Names => string.Join(", ", Functions.Keys);

    public static TemplateFunction? Find(string name) => Functions.GetValueOrDefault(name);

    private static IEnumerable<KeyValuePair<string, object?>> Entries(TemplateArguments arguments)
    {
        foreach (var first in arguments.TakeRest())
        {
            if (first is not TemplateMap map) throw new TemplateFault($"makes a dictionary of {TemplateValue.Kind(first)}.");
            foreach (var entry in map) yield return entry;
        }
        foreach (var entry in arguments.Named) yield return entry;
    }

    private static T Last<T>(TemplateArguments arguments, T value)
    {
        arguments.Done();
        return value;
    }

    private static List<object?> Range(TemplateArguments arguments)
    {
        var first = TemplateValue.Integer(arguments.Take("start"));
        var second = arguments.Take("stop", null);
        var step = TemplateValue.Integer(arguments.Take("step", 1L));
        arguments.Done();
        var (start, stop) = second is null ? (0, first) : (first, TemplateValue.Integer(second));
        if (step == 0) throw new TemplateFault("calls 'range' with the step 0.");
        var numbers = new List<object?>();
        for (Int128 i = start; step > 0 ? i < stop : i > stop; i += step)
        {
            if (numbers.Count == LongestRange) throw new TemplateFault($"calls 'range' for more than {LongestRange} numbers.");
            numbers.Add((long)i);
        }
        return numbers;
    }
}
