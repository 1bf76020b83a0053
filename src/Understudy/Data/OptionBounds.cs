using System.Globalization;

namespace Understudy.Data;

/// <summary>The bounds that options are checked against, one sentence for each; null stands for "no fault".</summary>
internal static class OptionBounds
{
    public static OptionFault? AtLeast(string key, double? value, double least) =>
        value is { } v && !(v >= least && double.IsFinite(v)) ? new(key, $"expected at least {Text(least)}, found {Text(v)}.") : null;

    public static OptionFault? MoreThan(string key, double? value, double bound) =>
        value is { } v && !(v > bound && double.IsFinite(v)) ? new(key, $"expected more than {Text(bound)}, found {Text(v)}.") : null;

    public static OptionFault? Between(string key, double? value, double least, double most) =>
        value is { } v && !(v >= least && v <= most) ? new(key, $"expected a value from {Text(least)} to {Text(most)}, found {Text(v)}.") : null;

    public static OptionFault? FromToBelow(string key, double? value, double least, double bound) =>
        value is { } v && !(v >= least && v < bound) ? new(key, $"expected a value from {Text(least)} to below {Text(bound)}, found {Text(v)}.") : null;

    public static OptionFault? AboveTo(string key, double? value, double bound, double most) =>
        value is { } v && !(v > bound && v <= most) ? new(key, $"expected a value above {Text(bound)}, at most {Text(most)}, found {Text(v)}.") : null;

    public static OptionFault? AboveToBelow(string key, double? value, double bound, double limit) =>
        value is { } v && !(v > bound && v < limit) ? new(key, $"expected a value above {Text(bound)} and below {Text(limit)}, found {Text(v)}.") : null;

    public static OptionFault? NotEmpty(string key, string? value) =>
        value is { Length: 0 } ? new(key, "expected a text, found an empty one.") : null;

    public static OptionFault? NotBlank(string key, string? value) =>
        value is not null && string.IsNullOrWhiteSpace(value) ? new(key, "expected a text, found none.") : null;

    public static OptionFault? FileName(string key, string value) =>
        value.Length is > 0 and <= 100 && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-') && !value.StartsWith('.')
            ? null
            : new(key, $"expected at most 100 letters, digits, '.', '_' and '-' that do not begin with '.', since a folder is named after it, found '{value}'.");

    /// <summary>The faults among <paramref name="checks"/>.</summary>
    public static IEnumerable<OptionFault> Faults(params OptionFault?[] checks) => checks.OfType<OptionFault>();

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
