using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Understudy.Evaluation;

namespace Understudy.Parity;

/// <summary>Compares intervals and tests with stored values of SciPy and statsmodels: a case is two lists of right and wrong answers, a list of differences, and the figures for them.</summary>
internal static partial class StatisticsParity
{
    /// <summary>The largest relative difference that passes; values below 1e-12 count as 1e-12.</summary>
    public const double Tolerance = 1e-9;

    private static readonly string[] Inputs = ["a_correct", "b_correct", "deltas"];

    /// <summary>One check for each figure; the root is a case itself, or holds cases by name.</summary>
    public static IReadOnlyList<ParityCheck> Checks(JsonElement root) =>
        Inputs.Any(input => root.TryGetProperty(input, out _))
            ? [.. Case("statistics", root)]
            : [.. root.EnumerateObject().SelectMany(reference => Case($"statistics.{reference.Name}", reference.Value))];

    private static IEnumerable<ParityCheck> Case(string name, JsonElement reference)
    {
        var answers = new Dictionary<string, bool[]>();
        foreach (var list in new[] { "a", "b" })
        {
            if (reference.TryGetProperty($"{list}_correct", out var correct))
                answers[list] = [.. correct.EnumerateArray().Select(answer => answer.GetBoolean())];
        }
        var deltas = reference.TryGetProperty("deltas", out var differences) ? ReferenceJson.Doubles(differences) : null;
        foreach (var figure in reference.EnumerateObject().Where(figure => !Inputs.Contains(figure.Name)))
        {
            var check = $"{name}.{figure.Name}";
            if (Found(figure.Name, answers, deltas) is not { } found)
            {
                yield return ParityCheck.Skip(check, $"There is no statistic '{figure.Name}' here, or the case lacks the data for it.");
                continue;
            }
            var expected = figure.Value.ValueKind == JsonValueKind.Array ? ReferenceJson.Doubles(figure.Value) : [figure.Value.GetDouble()];
            yield return ParityCheck.Of(check, MetricParity.Largest(found, expected, (a, b) => Math.Abs(a - b) / Math.Max(Math.Abs(b), 1e-12)), Tolerance, $"{expected.Length} value(s)");
        }
    }

    private static double[]? Found(string name, Dictionary<string, bool[]> answers, double[]? deltas)
    {
        if (Proportion().Match(name) is { Success: true } interval && answers.TryGetValue(interval.Groups["of"].Value, out var answered))
        {
            var (right, confidence) = (answered.Count(answer => answer), Confidence(interval));
            return Ends(interval.Groups["kind"].Value == "wilson"
                ? ConfidenceInterval.Wilson(right, answered.Length, confidence)
                : ConfidenceInterval.ClopperPearson(right, answered.Length, confidence));
        }
        if (deltas is not null && Mean().Match(name) is { Success: true } mean)
            return Ends(ConfidenceInterval.OfMean(deltas, Confidence(mean)));
        return name switch
        {
            "mcnemar_exact_p" or "mcnemar_chi2_continuity_p" when answers.Count == 2 => [McNemar(name, SignificanceTests.Discordant(answers["a"], answers["b"]))],
            "paired_t_p" when deltas is not null => [SignificanceTests.PairedT(deltas)],
            "wilcoxon_p" when deltas is not null => [SignificanceTests.Wilcoxon(deltas)],
            _ => null,
        };
    }

    private static double McNemar(string name, (long OnlyFirst, long OnlySecond) rows) =>
        name == "mcnemar_exact_p" ? SignificanceTests.McNemarExact(rows.OnlyFirst, rows.OnlySecond) : SignificanceTests.McNemarChiSquare(rows.OnlyFirst, rows.OnlySecond);

    private static double Confidence(Match match) => int.Parse(match.Groups["percent"].ValueSpan, CultureInfo.InvariantCulture) / 100.0;

    private static double[] Ends(ConfidenceInterval interval) => [interval.Lower, interval.Upper];

    [GeneratedRegex(@"\A(?<kind>wilson|clopper_pearson)_(?<percent>[1-9][0-9]?)_of_(?<of>[ab])\z")]
    private static partial Regex Proportion();

    [GeneratedRegex(@"\Astudent_t_(?<percent>[1-9][0-9]?)_of_mean_delta\z")]
    private static partial Regex Mean();
}
