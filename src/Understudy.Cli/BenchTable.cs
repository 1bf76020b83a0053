using System.Globalization;
using System.Text;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Cli;

/// <summary>What a bench measured, as text.</summary>
internal static class BenchTable
{
    private const double Gib = 1 << 30;

    // Operations that take less than this share of a step come together in one line.
    private const double LeastShare = 0.002;

    /// <summary>The shapes, then a table of the rates, then what the generations reached, then the profiles.</summary>
    public static string Of(BenchReport report)
    {
        var text = new StringBuilder();
        var machine = report.Machine;
        text.Append(Text($"{machine.Processor}, {machine.Cores} cores, libtorch {machine.Libtorch}, {machine.Device}\n"));
        // A shape whose precisions were measured apart is described once.
        foreach (var shape in report.Results.GroupBy(result => (result.Shape, RunJson.Line(result.Options with { Precisions = [] }))).Select(group => group.First()))
            text.Append(Shape(shape)).Append('\n');
        text.Append(Rates(report)).Append(Generations(report));
        foreach (var result in report.Results)
        {
            foreach (var figures in result.Figures.Where(figures => figures.Profile is not null))
                text.Append(Profile(Text($"{Name(result)} {ScalarValue.Text(figures.Precision)}, {figures.Threads} threads"), figures.Profile!));
        }
        foreach (var comparison in report.Comparisons)
            text.Append('\n').Append(Comparison(comparison));
        return text.ToString();
    }

    private static string Name(BenchResult result) => result.Shape ?? "custom";

    /// <summary>One line about a shape.</summary>
    private static string Shape(BenchResult result)
    {
        var (options, work, shape) = (result.Options, result.Work, result.Options.Architecture);
        var family = shape.Family switch { BenchFamily.GptNeox => "GPT-NeoX", BenchFamily.Roberta => "RoBERTa classifier", BenchFamily.Bert => "BERT classifier", _ => "BART" };
        var dropout = shape.Dropout == 0 ? "no dropout" : Text($"dropout {shape.Dropout}");
        var counted = work.CountedTarget == 0 ? Text($"{work.Counted:N0} of them without the input embeddings") : Text($"{work.Counted:N0} in the encoder and {work.CountedTarget:N0} in decoder and output without the input embeddings");
        var adapter = work.Trained == work.Parameters ? "" : Text($", {work.Trained:N0} of an adapter are trained");
        return Text($"{Name(result)}: {family}, {shape.NumHiddenLayers} layers, width {shape.HiddenSize}, {shape.NumAttentionHeads} heads, vocabulary {options.VocabSize:N0}, {dropout}{(options.GradientCheckpointing ? ", gradient checkpointing" : "")}: {work.Parameters:N0} parameters, {counted}{adapter}");
    }

    private static string Rates(BenchReport report)
    {
        var lines = new List<IReadOnlyList<string>> { (string[])["shape", "precision", "batch", "threads", "ms/step", "tokens/s", "rows/s", "GEMM GFLOP/s", "work/GEMM", "by length/equal", "peak GiB", "speed-up"] };
        foreach (var result in report.Results)
        {
            foreach (var figures in result.Figures)
            {
                // How much faster than the fewest threads that were measured, the product's own speed-up in brackets.
                var least = result.Figures.Where(other => other.Precision == figures.Precision).MinBy(other => other.Threads)!;
                lines.Add(
                [
                    Name(result),
                    ScalarValue.Text(figures.Precision),
                    Batch(result.Options),
                    Text($"{figures.Threads}"),
                    Text($"{1000 * figures.StepSeconds:N1}"),
                    Text($"{figures.TokensPerSecond:N0}"),
                    figures.RowsPerSecond is { } rows ? Text($"{rows:0.0}") : "",
                    Text($"{figures.GemmRate / 1e9:N0}"),
                    Text($"{100 * figures.TrainingShare:0.0}%"),
                    figures.EvenRatio is { } even ? Text($"{100 * even:0.0}%") : "",
                    Text($"{figures.PeakMemoryBytes / Gib:0.00}"),
                    figures.Threads > least.Threads ? Text($"{figures.TokensPerSecond / least.TokensPerSecond:0.00} ({figures.GemmRate / least.GemmRate:0.00})") : "",
                ]);
            }
        }
        return TextTable.Of(lines, texts: 3);
    }

    private static string Batch(BenchOptions options)
    {
        var row = options.ShortestRow is { } shortest ? Text($"{shortest}-{options.RowLength}") : Text($"{options.RowLength}");
        return options.Architecture.Family == BenchFamily.Bart ? Text($"{options.BatchSize} x ({row} + {options.TargetLength})") : Text($"{options.BatchSize} x {row}");
    }

    private static string Generations(BenchReport report) => string.Concat(report.Results.SelectMany(result => result.Figures
        .Where(figures => figures.PromptTokensPerSecond is not null)
        .Select(figures => Text($"{Name(result)} {ScalarValue.Text(figures.Precision)} generation, {result.Options.GenerationRows} rows: {figures.PromptTokensPerSecond:N0} prompt tokens/s ({result.Options.PromptLength} a row), {figures.GeneratedTokensPerSecond:N0} new tokens/s ({result.Options.NewTokens} a row)\n"))));

    private static string Comparison(BenchComparison comparison)
    {
        var before = comparison.Before;
        var text = new StringBuilder(comparison.Turns > 0
            ? Text($"Against {before.Path} (version {before.Version}, build {before.Build}), {comparison.Turns} turns each; ratios are means of the turns with their 95% intervals:\n")
            : Text($"Against the measurement of {comparison.Date:yyyy-MM-dd HH:mm} UTC (version {before.Version}, build {before.Build}); the 95% intervals cover what varied while each was measured, not what changed on the machine between them:\n"));
        foreach (var note in comparison.Notes)
            text.Append(note).Append('\n');
        var lines = new List<IReadOnlyList<string>> { (string[])["shape", "precision", "figure", "threads", "before", "now", "ratio", "95% interval"] };
        foreach (var change in comparison.Changes)
        {
            lines.Add(
            [
                change.Shape ?? "custom",
                ScalarValue.Text(change.Precision),
                Unit(change.Figure, 0).Name,
                Text($"{change.Threads}"),
                Unit(change.Figure, change.Before).Value,
                Unit(change.Figure, change.Now).Value,
                Text($"{change.Ratio:0.000}"),
                change.Interval is { } interval ? Text($"{interval.Lower:0.000} to {interval.Upper:0.000}") : "",
            ]);
        }
        return text.Append(comparison.Changes.Count > 0 ? TextTable.Of(lines, texts: 3) : "Nothing that was measured can be compared.\n").ToString();
    }

    private static (string Name, string Value) Unit(string figure, double value) => figure switch
    {
        "GEMM operations/s" => ("GEMM GFLOP/s", Text($"{value / 1e9:N0}")),
        "peak bytes" => ("peak GiB", Text($"{value / Gib:0.00}")),
        "work/GEMM" or "by length/equal" => (figure, Text($"{100 * value:0.0}%")),
        _ => (figure, Text($"{value:N0}")),
    };

    private static string Profile(string title, BenchProfile profile)
    {
        var lines = new List<IReadOnlyList<string>> { (string[])["operation", "pass", "calls", "ms", "share", "GFLOP/s", "GB/s"] };
        var shown = profile.Operations.TakeWhile(operation => operation.Seconds >= LeastShare * profile.Seconds).ToList();
        foreach (var operation in shown)
            lines.Add(Line(operation.Name, operation.Backward ? "backward" : "", operation.Calls, operation.Seconds, operation.Operations, operation.Bytes));
        if (profile.Operations.Skip(shown.Count).ToList() is { Count: > 0 } rest)
            lines.Add(Line(Text($"{rest.Count} others"), "", rest.Sum(operation => operation.Calls), rest.Sum(operation => operation.Seconds), 0, 0));
        lines.Add(Line("a step", "", 0, profile.Seconds, 0, 0));
        return Text($"\n{title}, where a step's time goes, over {profile.Steps} steps:\n") + TextTable.Of(lines, texts: 2);

        string[] Line(string name, string pass, long calls, double seconds, double operations, double bytes) =>
        [
            name,
            pass,
            calls > 0 ? Text($"{(double)calls / profile.Steps:0.#}") : "",
            Text($"{1000 * seconds / profile.Steps:0.00}"),
            Text($"{100 * seconds / profile.Seconds:0.0}%"),
            operations > 0 && seconds > 0 ? Text($"{operations / seconds / 1e9:N0}") : "",
            bytes > 0 && seconds > 0 ? Text($"{bytes / seconds / 1e9:0.0}") : "",
        ];
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
