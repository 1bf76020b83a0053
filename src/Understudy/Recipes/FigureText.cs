using System.Globalization;
using Understudy.Evaluation;

namespace Understudy.Recipes;

/// <summary>How figures are written in tables and sentences of plain text.</summary>
internal static class FigureText
{
    /// <summary>A share as a percentage: <c>72.4%</c>. Empty for null.</summary>
    public static string Percent(double? share) => share is { } value ? (100 * value).ToString("0.0", CultureInfo.InvariantCulture) + "%" : "";

    /// <summary>The share of a training's time that went by waiting for batches, in a sentence: <c>waited less than 0.1% of the time for data</c>.</summary>
    public static string Waited(double share) => $"waited {(share < 0.001 ? "less than 0.1%" : Percent(share))} of the time for data";

    /// <summary>An interval of shares: <c>68.7%-75.8%</c>. Empty for null.</summary>
    public static string Percent(ConfidenceInterval? interval) => interval is { } range ? $"{Percent(range.Lower)}-{Percent(range.Upper)}" : "";

    /// <summary>A difference of shares in percentage points, with its sign: <c>+6.2</c>. Empty for null.</summary>
    public static string Points(double? difference) => difference is { } value ? (100 * value).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture) : "";

    /// <summary>An interval of a difference in percentage points: <c>+2.1 to +10.3</c>. Empty for null.</summary>
    public static string Points(ConfidenceInterval? interval) => interval is { } range ? $"{Points(range.Lower)} to {Points(range.Upper)}" : "";

    /// <summary>A p-value as it stands in a table: <c>0.012</c>, <c>&lt;0.001</c>. Empty for null.</summary>
    public static string PValue(double? p) => p switch
    {
        null => "",
        < 0.001 => "<0.001",
        { } value => value.ToString("0.000", CultureInfo.InvariantCulture),
    };

    /// <summary>A p-value in a sentence: <c>p = 0.012</c>, <c>p &lt; 0.001</c>.</summary>
    public static string PClause(double p) => p < 0.001 ? "p < 0.001" : $"p = {PValue(p)}";
}
