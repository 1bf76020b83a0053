using System.Text.Json;

namespace Understudy.Runs;

/// <summary>
/// The figures of a run as it goes, in <c>metrics.jsonl</c>: one object a line with <c>stage</c>, <c>step</c> and the figures
/// under their names (<c>loss</c>, <c>learning_rate</c>, <c>tokens_per_second</c>, ...).
/// </summary>
/// <remarks>Appending is thread-safe.</remarks>
public sealed class MetricLog : IDisposable
{
    private readonly string path;
    private AppendedLines lines;

    private MetricLog(string path)
    {
        this.path = path;
        lines = AppendedLines.Open(path, static line => Parse(line));
        BytesCut = lines.BytesCut;
    }

    /// <summary>Opens a log, making the file when it is not there and cutting off a torn last line.</summary>
    /// <exception cref="InvalidDataException">A line before the last is not a metric line.</exception>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static MetricLog Open(string path) => new(path);

    /// <summary>How many bytes of a torn line were cut off on opening.</summary>
    public long BytesCut { get; }

    /// <summary>Appends one line.</summary>
    /// <param name="stage">The stage, as it is called in <c>stages/</c>.</param>
    /// <param name="step">The optimiser step, from 1; 0 before the first.</param>
    /// <param name="figures">The figures by name; a NaN or an infinity is written as the text <c>"NaN"</c>, <c>"Infinity"</c>.</param>
    public void Append(string stage, long step, params ReadOnlySpan<(string Name, double Value)> figures)
    {
        var line = new Dictionary<string, object> { ["stage"] = stage, ["step"] = step };
        foreach (var (name, value) in figures)
            line.Add(name, value);
        lines.Append(RunJson.Line(line));
    }

    /// <summary>Has the disk take over everything logged so far, so that a power cut leaves it, too.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Flush() => lines.Flush();

    /// <summary>Forgets what <paramref name="stage"/> logged after <paramref name="step"/>: a training that continues from that step logs it again.</summary>
    public void DropAfter(string stage, long step) => Keep(line => line.Stage != stage || line.Step <= step);

    /// <summary>Forgets the lines of <paramref name="stage"/> that have this figure: it is measured again.</summary>
    public void Drop(string stage, string figure) => Keep(line => line.Stage != stage || !line.Figures.ContainsKey(figure));

    private void Keep(Func<MetricLine, bool> wanted)
    {
        var all = Read(path);
        var kept = all.Where(wanted).ToArray();
        if (kept.Length == all.Count)
            return;
        lines.Dispose();
        Storage.Replace(path, string.Concat(kept.Select(line => line.Json + "\n")));
        lines = AppendedLines.Open(path, static _ => { });
    }

    /// <summary>The lines of a metric log, a torn last one left out; none when there is no file.</summary>
    /// <exception cref="InvalidDataException">A line before the last is not a metric line.</exception>
    public static IReadOnlyList<MetricLine> Read(string path) => AppendedLines.Read(path, Parse);

    /// <summary>Shows the lines of a metric log one after the other, so that they need not all be in memory.</summary>
    /// <exception cref="InvalidDataException">A line before the last is not a metric line.</exception>
    internal static void Visit(string path, Action<MetricLine> visit) => AppendedLines.Visit(path, line => visit(Parse(line)));

    /// <inheritdoc/>
    public void Dispose() => lines.Dispose();

    private static MetricLine Parse(JsonElement line)
    {
        if (line.ValueKind != JsonValueKind.Object
            || !line.TryGetProperty("stage", out var stage) || stage.ValueKind != JsonValueKind.String
            || !line.TryGetProperty("step", out var step) || step.ValueKind != JsonValueKind.Number || !step.TryGetInt64(out var number))
            throw new JsonException("it has no 'stage' and 'step'");
        var figures = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var property in line.EnumerateObject())
        {
            if (property.Value.ValueKind == JsonValueKind.Number)
                figures[property.Name] = property.Value.GetDouble();
            else if (property.Value.ValueKind == JsonValueKind.String && property.Name != "stage")
                figures[property.Name] = RunJson.Parse<double>(property.Value);
        }
        figures.Remove("step");
        return new MetricLine(stage.GetString()!, number, figures, line.GetRawText());
    }
}
