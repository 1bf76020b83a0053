namespace Understudy.Runs;

/// <summary>One line of a metric log.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Step">The optimiser step.</param>
/// <param name="Figures">The figures by name.</param>
/// <param name="Json">The line as it stands in the file.</param>
public sealed record MetricLine(string Stage, long Step, IReadOnlyDictionary<string, double> Figures, string Json);
