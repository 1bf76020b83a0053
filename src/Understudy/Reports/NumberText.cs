using System.Globalization;

namespace Understudy.Reports;

/// <summary>Numbers as a page shows them, the same on every machine. What is not finite or not known is a dash.</summary>
internal static class NumberText
{
    private const string None = "–";

    /// <summary>A share from 0 to 1 as <c>62.3%</c>.</summary>
    public static string Percent(double? share) => share is { } value && double.IsFinite(value) ? Text($"{100 * value:0.0}%") : None;

    /// <summary>Two shares as <c>58.4–66.1%</c>.</summary>
    public static string PercentRange(double lower, double upper) => double.IsFinite(lower) && double.IsFinite(upper) ? Text($"{100 * lower:0.0}–{100 * upper:0.0}%") : None;

    /// <summary>A difference of shares as <c>+7.3</c> or <c>−0.5</c> points.</summary>
    public static string Points(double? difference) =>
        difference is { } value && double.IsFinite(value) ? Math.Round(100 * value, 1) switch { 0 => "0.0", > 0 and var up => Text($"+{up:0.0}"), var down => Text($"−{-down:0.0}") } : None;

    /// <summary>A whole number as <c>1,234</c>.</summary>
    public static string Count(long count) => Text($"{count:N0}");

    /// <summary>A p-value as <c>0.034</c>, or <c>&lt; 0.001</c>.</summary>
    public static string P(double? p) => p switch { null => None, < 0.001 => "< 0.001", { } value => Text($"{value:0.000}") };

    /// <summary>A number in four digits or so: <c>0.1234</c>, <c>12.34</c>, <c>1,234</c>.</summary>
    public static string Short(double? number) => number switch
    {
        null => None,
        { } value when !double.IsFinite(value) => None,
        { } value => Math.Abs(value) switch { >= 1000 => Text($"{value:N0}"), >= 100 => Text($"{value:0.0}"), >= 10 => Text($"{value:0.00}"), >= 0.001 or 0 => Text($"{value:0.000}"), _ => Text($"{value:0.0e+0}") },
    };

    /// <summary>Seconds as <c>1:02:03</c> or <c>2:03</c>.</summary>
    public static string Duration(double seconds)
    {
        if (!(seconds >= 0 && seconds < 1e9))
            return None;
        var whole = (long)Math.Round(seconds);
        return whole >= 3600 ? Text($"{whole / 3600}:{whole / 60 % 60:00}:{whole % 60:00}") : Text($"{whole / 60}:{whole % 60:00}");
    }

    /// <summary>A place in a drawing.</summary>
    internal static string Place(double value) => Text($"{value:0.##}");

    /// <summary>A place in a drawing, as a share of its width.</summary>
    internal static string PlacePercent(double share) => Text($"{100 * share:0.###}%");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
