namespace Understudy.Parity;

/// <summary>Compares metrics and statistics with stored values of scikit-learn and SciPy.</summary>
public static class MetricParity
{
    private static readonly (string File, string Why)[] NotSupported =
    [
        ("generation.json", "Metrics of generated text (BLEU, chrF, TER, ROUGE) are not supported yet."),
        ("multirc.json", "The metrics of MultiRC are not supported yet."),
    ];

    /// <summary>Checks <c>classification.json</c> and <c>statistics.json</c>, whichever the folder holds; one check per case and figure.</summary>
    /// <param name="folder">The folder that holds them.</param>
    /// <exception cref="InvalidDataException">A file does not have the format of such a reference, or the folder holds no reference of metrics.</exception>
    public static IReadOnlyList<ParityCheck> Run(string folder)
    {
        var checks = new List<ParityCheck>();
        if (File.Exists(Path.Combine(folder, "classification.json")))
            checks.AddRange(ReferenceJson.Read(Path.Combine(folder, "classification.json"), ClassificationMetricParity.Checks));
        if (File.Exists(Path.Combine(folder, "statistics.json")))
            checks.AddRange(ReferenceJson.Read(Path.Combine(folder, "statistics.json"), StatisticsParity.Checks));
        foreach (var (file, why) in NotSupported)
        {
            if (File.Exists(Path.Combine(folder, file)))
                checks.Add(ParityCheck.Skip(file, why));
        }
        return checks.Count > 0 ? checks : throw new InvalidDataException($"{folder}: expected classification.json or statistics.json, found neither.");
    }

    /// <summary>The largest difference between two lists of numbers; infinite when their lengths differ, NaN when a value is.</summary>
    internal static double Largest(IReadOnlyList<double> found, IReadOnlyList<double> expected, Func<double, double, double> difference)
    {
        if (found.Count != expected.Count)
            return double.PositiveInfinity;
        var largest = 0.0;
        for (var i = 0; i < found.Count; i++)
        {
            var here = difference(found[i], expected[i]);
            if (!(here <= largest))
                largest = here;
        }
        return largest;
    }
}
