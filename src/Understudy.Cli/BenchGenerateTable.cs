using System.Globalization;
using System.Text;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Cli;

/// <summary>What a bench of generation measured, as text.</summary>
internal static class BenchGenerateTable
{
    /// <summary>The machine and its rates, a table of the rows, then what each of them counted.</summary>
    public static string Of(BenchGenerateReport report)
    {
        var text = new StringBuilder();
        var machine = report.Machine;
        text.Append(Text($"{machine.Processor}, {machine.Cores} cores, {report.Threads} threads, libtorch {machine.Libtorch}, bf16\n"))
            .Append(Text($"product of two {report.Options.GemmSize:N0} square matrices: {report.GemmRate / 1e9:N0} GFLOP/s; memory: {report.MemoryRate / 1e9:0.0} GB/s (medians of all rounds; shares are of those of the same round)\n\n"));
        var lines = new List<IReadOnlyList<string>> { (string[])["row", "shape", "measured against the goal", "rate", "work/GEMM", "weights/memory", "other, scaled", "x other", "value", "goal", "value/goal"] };
        foreach (var row in report.Rows)
        {
            lines.Add(
            [
                ScalarValue.Text(row.Item),
                row.Shape,
                row.Goal?.Measure ?? "",
                Text($"{Number(row.Rate)} {row.Unit}"),
                Share(row.GemmShare),
                Share(row.MemoryShare),
                row.Other is { } other ? Number(other.Scaled) : "",
                row.Other is { } best ? Text($"{best.Ratio:0.00}") : "",
                row.Goal is { } goal ? Text($"{goal.Value:0.000}") : "",
                row.Goal is { } bound ? Text($"{(bound.AtMost ? "<=" : ">=")} {bound.Bound:0.00}") : "",
                row.Goal is { } reached ? Text($"{Math.Min(reached.Reached, 99):0.00}") : "",
            ]);
        }
        text.Append(TextTable.Of(lines, texts: 3)).Append('\n');
        if (report.Rows.FirstOrDefault(row => row.Other is not null)?.Other is { } scaled)
            text.Append(Text($"other, scaled: the best published rate of another engine, measured where the product ran at {scaled.GemmRate / 1e9:N0} GFLOP/s, times this machine's product over that one. No other engine was run here.\n"));
        text.Append("work: 2 operations for each weight and token, input embeddings left out, the output layer for tokens with logits alone. value/goal: 1 and more is reached.\n\n");
        foreach (var row in report.Rows)
        {
            var figures = row.Rounds[0].Figures.Keys.Where(name => name is not (BenchStand.Rate or "operations")).Select(name => Text($"{name} {Number(row.Median(name))}"));
            text.Append(Text($"{ScalarValue.Text(row.Item)} {row.Shape} ({row.Rounds.Count} {(row.Rounds.Count == 1 ? "round" : "rounds")}): {row.Counted}. "))
                .Append(row.Other is { } other ? Text($"{other.Engine}: {Number(other.Published)} {row.Unit} published. ") : "")
                .Append(string.Join(", ", figures)).Append('\n');
        }
        return text.ToString();
    }

    private static string Share(double? share) => share is { } value ? Text($"{100 * value:0.0}%") : "";

    private static string Number(double value) => Math.Abs(value) >= 100 ? Text($"{value:N0}") : Text($"{value:0.###}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
