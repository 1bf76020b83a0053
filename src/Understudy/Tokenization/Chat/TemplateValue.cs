using System.Globalization;
using System.Text;

namespace Understudy.Tokenization.Chat;

/// <summary>What a name or attribute without a value is; <paramref name="what"/> says which, for faults.</summary>
internal sealed class UndefinedValue(string what)
{
    public TemplateFault Fault() => new($"uses {what}, which is not defined.");
}

/// <summary>A dictionary of a template, in the order of insertion.</summary>
internal sealed class TemplateMap : OrderedDictionary<string, object?>
{
    public TemplateMap()
        : base(StringComparer.Ordinal)
    {
    }
}

/// <summary>A tuple: a list that prints in parentheses.</summary>
internal sealed class TemplateTuple(IEnumerable<object?> items) : List<object?>(items);

/// <summary>What <c>namespace(...)</c> makes: an object whose attributes loops can set.</summary>
internal sealed class TemplateNamespace
{
    public Dictionary<string, object?> Attributes { get; } = new(StringComparer.Ordinal);
}

/// <summary>Something that a template can call.</summary>
internal delegate object? TemplateFunction(TemplateArguments arguments);

/// <summary>
/// Python's rules for the values of a template: null, <see cref="UndefinedValue"/>, bool, long, double, string, lists (tuples too),
/// <see cref="TemplateMap"/>, <see cref="TemplateNamespace"/> and <see cref="TemplateFunction"/>.
/// </summary>
internal static class TemplateValue
{
    public static bool IsTrue(object? value) => value switch
    {
        null or UndefinedValue => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        List<object?> list => list.Count > 0,
        TemplateMap map => map.Count > 0,
        _ => true,
    };

    /// <summary><c>str(value)</c></summary>
    public static string Text(object? value) => value switch
    {
        string text => text,
        UndefinedValue => "",
        _ => Representation(value),
    };

    /// <summary><c>repr(value)</c></summary>
    public static string Representation(object? value) => value switch
    {
        null => "None",
        bool flag => flag ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => Number(number),
        string text => Quoted(text),
        TemplateTuple tuple => $"({string.Join(", ", tuple.Select(Representation))}{(tuple.Count == 1 ? "," : "")})",
        List<object?> list => $"[{string.Join(", ", list.Select(Representation))}]",
        TemplateMap map => $"{{{string.Join(", ", map.Select(entry => $"{Quoted(entry.Key)}: {Representation(entry.Value)}"))}}}",
        UndefinedValue => "Undefined",
        _ => throw new TemplateFault($"prints {Kind(value)}, which has no text."),
    };

    public static string Kind(object? value) => value switch
    {
        null => "none",
        UndefinedValue => "an undefined value",
        bool => "a boolean",
        long or double => "a number",
        string => "a text",
        List<object?> => "a list",
        TemplateMap => "a dictionary",
        TemplateNamespace => "a namespace",
        _ => "a function",
    };

    public static bool AreEqual(object? left, object? right) => (left, right) switch
    {
        (null, null) or (UndefinedValue, UndefinedValue) => true,
        (string a, string b) => a == b,
        (bool or long or double, bool or long or double) => left is double || right is double ? Double(left) == Double(right) : Integer(left) == Integer(right),
        (List<object?> a, List<object?> b) => a.Count == b.Count && a.Zip(b).All(pair => AreEqual(pair.First, pair.Second)),
        (TemplateMap a, TemplateMap b) => a.Count == b.Count && a.All(entry => b.TryGetValue(entry.Key, out var other) && AreEqual(entry.Value, other)),
        _ => ReferenceEquals(left, right),
    };

    /// <summary>Less than 0, 0 or more than 0, for numbers, texts and lists of these.</summary>
    public static int Compare(object? left, object? right)
    {
        switch (left, right)
        {
            case (string a, string b):
                return CompareCodePoints(a, b);
            case (bool or long or double, bool or long or double):
                return left is double || right is double ? Double(left).CompareTo(Double(right)) : Integer(left).CompareTo(Integer(right));
            case (List<object?> a, List<object?> b):
                foreach (var (first, second) in a.Zip(b))
                {
                    if (!AreEqual(first, second)) return Compare(first, second);
                }
                return a.Count.CompareTo(b.Count);
            default:
                throw left is UndefinedValue undefined ? undefined.Fault()
                    : right is UndefinedValue other ? other.Fault()
                    : new TemplateFault($"compares {Kind(left)} with {Kind(right)}, which have no order.");
        }
    }

    public static bool Contains(object? container, object? item) => container switch
    {
        string text when item is string part => text.Contains(part, StringComparison.Ordinal),
        List<object?> list => list.Exists(element => AreEqual(element, item)),
        TemplateMap map => item is string key && map.ContainsKey(key),
        UndefinedValue => false,
        _ => throw new TemplateFault($"looks for {Kind(item)} in {Kind(container)}."),
    };

    /// <summary>What a loop over the value goes through; a dictionary gives its keys.</summary>
    public static List<object?> Items(object? value) => value switch
    {
        List<object?> list => list,
        string text => PythonText.Characters(text),
        TemplateMap map => [.. map.Keys],
        UndefinedValue => [],
        _ => throw new TemplateFault($"goes through {Kind(value)}, which has no items."),
    };

    public static long Length(object? value) => value switch
    {
        string text => PythonText.Length(text),
        List<object?> list => list.Count,
        TemplateMap map => map.Count,
        UndefinedValue => 0,
        _ => throw new TemplateFault($"asks for the length of {Kind(value)}."),
    };

    public static long Integer(object? value) => value switch
    {
        long number => number,
        bool flag => flag ? 1 : 0,
        UndefinedValue undefined => throw undefined.Fault(),
        _ => throw new TemplateFault($"needs a whole number where it has {Kind(value)}."),
    };

    public static double Double(object? value) => value is double number ? number : Integer(value);

    public static string String(object? value) => value switch
    {
        string text => text,
        UndefinedValue undefined => throw undefined.Fault(),
        _ => throw new TemplateFault($"needs a text where it has {Kind(value)}."),
    };

    private static int CompareCodePoints(string left, string right)
    {
        using var first = left.EnumerateRunes().GetEnumerator();
        using var second = right.EnumerateRunes().GetEnumerator();
        while (true)
        {
            var (hasFirst, hasSecond) = (first.MoveNext(), second.MoveNext());
            if (!hasFirst || !hasSecond) return hasFirst.CompareTo(hasSecond);
            if (first.Current != second.Current) return first.Current.CompareTo(second.Current);
        }
    }

    private static string Number(double number)
    {
        if (!double.IsFinite(number)) return double.IsNaN(number) ? "nan" : number > 0 ? "inf" : "-inf";
        // Python and the runtime agree on the digits, the fewest that give the number back, but not on where the exponent begins.
        var scientific = number.ToString("E16", CultureInfo.InvariantCulture);
        for (var digits = 0; digits < 16; digits++)
        {
            var shorter = number.ToString($"E{digits}", CultureInfo.InvariantCulture);
            if (double.Parse(shorter, CultureInfo.InvariantCulture) != number) continue;
            scientific = shorter;
            break;
        }
        var parts = scientific.Split('E');
        var exponent = int.Parse(parts[1], CultureInfo.InvariantCulture);
        if (exponent is < -4 or > 15) return $"{parts[0]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        var fraction = Math.Max(parts[0].Replace(".", "", StringComparison.Ordinal).TrimStart('-').Length - 1 - exponent, 1);
        return number.ToString($"F{fraction}", CultureInfo.InvariantCulture);
    }

    private static string Quoted(string text)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        var builder = new StringBuilder().Append(quote);
        foreach (var character in text)
        {
            _ = character switch
            {
                '\n' => builder.Append("\\n"),
                '\r' => builder.Append("\\r"),
                '\t' => builder.Append("\\t"),
                '\\' => builder.Append("\\\\"),
                _ when character == quote => builder.Append('\\').Append(quote),
                < ' ' or '\u007F' => builder.Append(CultureInfo.InvariantCulture, $"\\x{(int)character:x2}"),
                _ => builder.Append(character),
            };
        }
        return builder.Append(quote).ToString();
    }
}
