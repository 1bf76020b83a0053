namespace Understudy.Parity;

/// <summary>Compares metrics and statistics with stored values of scikit-learn and SciPy.</summary>
public static class MetricParity
{
    private static readonly (string File, Func<string, IEnumerable<ParityCheck>> Checks)[] Kinds =
    [
        ("classification.json", path => ReferenceJson.Read(path, ClassificationMetricParity.Checks)),
        ("statistics.json", path => ReferenceJson.Read(path, StatisticsParity.Checks)),
        ("generation.json", _ => [ParityCheck.Skip("generation.json", "Metrics of generated text (BLEU, chrF, TER, ROUGE) are not supported yet.")]),
        ("multirc.json", _ => [ParityCheck.Skip("multirc.json", "The metrics of MultiRC are not supported yet.")]),
    ];

    /// <summary>Whether a file is such a reference, by its name, or a folder holds one.</summary>
    public static bool Recognises(string fileOrFolder) => Files(fileOrFolder).Any();

    /// <summary>Checks <c>classification.json</c> and <c>statistics.json</c>, whichever there is; one check per case and figure.</summary>
    /// <param name="fileOrFolder">One of the files, or the folder that holds them.</param>
    /// <exception cref="InvalidDataException">A file does not have the format of such a reference, or there is no reference of metrics.</exception>
    public static IReadOnlyList<ParityCheck> Run(string fileOrFolder)
    {
        ParityCheck[] checks = [.. Files(fileOrFolder).SelectMany(file => file.Checks(file.Path))];
        return checks.Length > 0 ? checks : throw new InvalidDataException($"{fileOrFolder}: expected classification.json or statistics.json, found neither.");
    }

    private static IEnumerable<(string Path, Func<string, IEnumerable<ParityCheck>> Checks)> Files(string fileOrFolder) =>
        Directory.Exists(fileOrFolder)
            ? Kinds.Select(kind => (Path.Combine(fileOrFolder, kind.File), kind.Checks)).Where(file => File.Exists(file.Item1))
            : Kinds.Where(kind => kind.File == Path.GetFileName(fileOrFolder)).Select(kind => (fileOrFolder, kind.Checks));

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
