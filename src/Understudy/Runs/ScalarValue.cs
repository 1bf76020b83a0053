using System.Globalization;
using System.Text.RegularExpressions;

namespace Understudy.Runs;

/// <summary>Single values of a run file: reading them from text and writing them back.</summary>
internal static partial class ScalarValue
{
    /// <summary>The value that <paramref name="text"/> stands for, or what is wrong with it.</summary>
    /// <param name="type">string, bool, int, long, double or an enum.</param>
    /// <param name="text">The text.</param>
    /// <param name="shown">The text as a message may show it.</param>
    public static (object? Value, string? Fault) Parse(Type type, string text, string shown)
    {
        if (type == typeof(string))
            return (text, null);
        var wrong = $"expected {Describe(type)}, found '{shown}'.";
        if (type == typeof(bool))
            return text switch { "true" or "True" => (true, null), "false" or "False" => (false, null), _ => (null, wrong) };
        if (type == typeof(int) || type == typeof(long))
        {
            if (!WholeNumber().IsMatch(text))
                return (null, wrong);
            var (least, most) = type == typeof(int) ? (int.MinValue, int.MaxValue) : (long.MinValue, long.MaxValue);
            if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) || whole < least || whole > most)
                return (null, $"expected a whole number from {least} to {most}, found '{shown}'.");
            return (type == typeof(int) ? (object)(int)whole : whole, null);
        }
        if (type == typeof(double))
        {
            if (!Number().IsMatch(text) || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
                return (null, wrong);
            return double.IsFinite(number) ? (number, null) : (null, $"expected a number that fits 64-bit floating point, found '{shown}'.");
        }
        if (type.IsEnum)
        {
            foreach (var value in Enum.GetValues(type))
            {
                if (OptionSchema.KeyOf(value.ToString()!) == text)
                    return (value, null);
            }
            return (null, wrong + Data.Suggest.DidYouMean(text, Names(type)));
        }
        throw new NotSupportedException($"A run file cannot hold values of type {type.Name}.");
    }

    /// <summary>What <see cref="Parse"/> reads as <paramref name="value"/>, a number in its shortest exact form.</summary>
    public static string Text(object value) => value switch
    {
        string text => text,
        bool flag => flag ? "true" : "false",
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        Enum choice => OptionSchema.KeyOf(choice.ToString()),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new NotSupportedException($"A run file cannot hold values of type {value.GetType().Name}."),
    };

    public static string Describe(Type type) =>
        type == typeof(string) ? "a text"
        : type == typeof(bool) ? "true or false"
        : type == typeof(int) || type == typeof(long) ? "a whole number"
        : type == typeof(double) ? "a number"
        : $"one of {string.Join(", ", Names(type))}";

    private static IEnumerable<string> Names(Type type) => Enum.GetNames(type).Select(OptionSchema.KeyOf);

    [GeneratedRegex(@"\A[-+]?[0-9]+\z")]
    private static partial Regex WholeNumber();

    [GeneratedRegex(@"\A[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?\z")]
    private static partial Regex Number();
}
