using Understudy.Reports;
using Understudy.Runs;
using static Understudy.Reports.NumberText;

namespace Understudy.Recipes;

/// <summary>Several pre-trainings beside each other: losses on held-out text by steps and by time, and when each reached what all of them reached.</summary>
internal static class ReportBeside
{
    /// <summary>The pictures' names in a run folder.</summary>
    internal const string StepsName = "held-out-loss-by-step.svg", TimeName = "held-out-loss-by-time.svg";

    private const int MostPoints = 160;

    // The first of them is drawn wide, beneath the others.
    private static readonly int[] Colours = [0, 1, 2, 3, 4, 5];

    /// <summary>The most pre-trainings in one picture.</summary>
    internal static int Most => Colours.Length;

    /// <summary>Reads the runs.</summary>
    /// <param name="own">The run whose report it is.</param>
    /// <param name="folders">The others.</param>
    /// <exception cref="InvalidDataException">A folder holds no run with a pre-training, or there are too many.</exception>
    public static IReadOnlyList<ComparedPretraining> Read(string own, IReadOnlyList<string> folders)
    {
        if (folders.Count == 0) return [];
        if (folders.Count >= Most) throw new InvalidDataException($"Expected at most {Most - 1} runs beside the first, found {folders.Count}. Compare fewer at once.");
        var all = folders.Prepend(own).Select(folder =>
            (Folder: folder, Records: PretrainingRecords.Read(folder) ?? throw new InvalidDataException($"'{folder}': expected the folder of a run with a pre-training, found none. 'understudy pretrain' makes one."))).ToArray();
        string Optimizer(PretrainingRecords records) => records.Run.Options is { } options ? ScalarValue.Text(options.Training.Optimizer) : "";
        var byOptimizer = all.Select(one => Optimizer(one.Records)).Distinct().Count() == all.Length;
        return [.. all.Select((one, i) => new ComparedPretraining(
            byOptimizer ? Optimizer(one.Records) : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(one.Folder))), Colours[i], one.Records, HeldOutPrint(one.Records)))];
    }

    /// <summary>Writes the pictures by themselves.</summary>
    public static void WritePictures(string folder, IReadOnlyList<ComparedPretraining> runs)
    {
        foreach (var (name, title, xName, curves) in (ReadOnlySpan<(string, string, string, LineChartCurve[])>)
            [(StepsName, "Loss on held-out text by step", "optimiser step", BySteps(runs)), (TimeName, "Loss on held-out text by time", "minutes of training", ByTime(runs))])
        {
            if (HasPoints(curves)) Storage.Replace(Path.Combine(folder, name), LineChart.Picture(title, xName, "loss (nats per token)", curves, fromZero: false));
        }
    }

    /// <summary>The section.</summary>
    public static void Write(HtmlWriter page, IReadOnlyList<ComparedPretraining> runs)
    {
        if (runs.Any(run => run.HeldOutPrint != runs[0].HeldOutPrint))
        {
            page.Leaf("p", "These runs hold out different texts, or cut them into different tokens: their losses cannot be compared.");
        }

        ReportPretraining.Legend(page, runs.Select(run => (run.Name, run.Colour)));
        using (page.Open("div", ("class", "charts")))
        {
            Figure("Held-out text, by step", "optimiser step", BySteps(runs));
            Figure("Held-out text, by time", "minutes of training", ByTime(runs));
            Figure("Training text, by step", "optimiser step", [.. runs.Select(run => new LineChartCurve(run.Name, LineChart.Thinned(run.Records.Loss, MostPoints), run.Colour))]);
        }

        Table(page, runs);

        void Figure(string title, string xName, LineChartCurve[] curves)
        {
            if (!HasPoints(curves)) return;
            page.Line();
            using var figure = page.Open("figure");
            using (page.Open("figcaption"))
            {
                page.Leaf("strong", title);
            }

            LineChart.Draw(page, title, xName, "loss (nats)", curves, fromZero: false);
        }
    }

    /// <summary>The lowest loss on held-out text that all runs reached; null when one has none.</summary>
    internal static double? ReachedByAll(IReadOnlyList<ComparedPretraining> runs)
    {
        var lowest = runs.Select(run => run.Records.HeldOut.Select(point => point.Y).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Min()).ToArray();
        return lowest.All(double.IsFinite) ? lowest.Max() : null;
    }

    private static void Table(HtmlWriter page, IReadOnlyList<ComparedPretraining> runs)
    {
        var level = ReachedByAll(runs);
        if (level is { } loss)
        {
            page.Leaf("p", $"All of them came to a loss of {Short(loss)} on held-out text. The last columns say when each was first there, on a straight line between two measurements.", ("class", "soft"));
        }

        var first = level is { } own ? PretrainingRecords.Reached(runs[0].Records.HeldOutTime, own) : null;
        using var table = new HtmlTable(page, "Pre-trainings beside each other.", "arms", "run", "optimiser", "#learning rate", "#steps", "#loss", "#bits per byte", "#steps to there", "#time to there", "#of the first's");
        foreach (var run in runs)
        {
            var (records, training) = (run.Records, run.Records.Run.Options?.Training);
            var time = level is { } there ? PretrainingRecords.Reached(records.HeldOutTime, there) : null;
            var steps = level is { } reached ? PretrainingRecords.Reached(records.HeldOut, reached) : null;
            using (table.Row())
            {
                table.ForeignHead(Path.GetFileName(records.Run.Folder));
                table.Cell(training is null ? "–" : ScalarValue.Text(training.Optimizer));
                table.Number(training is null ? "–" : ScalarValue.Text(training.LearningRate));
                table.Number(Count(records.Steps));
                table.Number(Short(records.HeldOut.Count > 0 ? records.HeldOut[^1].Y : null));
                table.Number(Short(records.BitsPerByte.Count > 0 ? records.BitsPerByte[^1].Y : null));
                table.Number(steps is { } count ? Count((long)Math.Round(count)) : "–");
                table.Number(time is { } seconds ? Duration(seconds) : "–");
                table.Number(Percent(time / first));
            }
        }
    }

    private static LineChartCurve[] BySteps(IReadOnlyList<ComparedPretraining> runs) => [.. runs.Select(run => new LineChartCurve(run.Name, LineChart.Thinned(run.Records.HeldOut, MostPoints), run.Colour))];

    private static LineChartCurve[] ByTime(IReadOnlyList<ComparedPretraining> runs) =>
        [.. runs.Select(run => new LineChartCurve(run.Name, LineChart.Thinned([.. run.Records.HeldOutTime.Select(point => (point.X / 60, point.Y))], MostPoints), run.Colour))];

    private static bool HasPoints(IEnumerable<LineChartCurve> curves) => curves.Any(curve => curve.Points.Any(point => double.IsFinite(point.Y)));

    private static string HeldOutPrint(PretrainingRecords records)
    {
        var path = Path.Combine(records.Run.Stage, "held-out-tokens.safetensors");
        return File.Exists(path) ? ContentHash.Of(path) : "";
    }
}

/// <summary>A pre-training among several.</summary>
/// <param name="Name">What tells it from the others: its optimiser, or its folder.</param>
/// <param name="Colour">The number of its colour.</param>
/// <param name="Records">What it left.</param>
/// <param name="HeldOutPrint">A hash of its held-out tokens.</param>
internal sealed record ComparedPretraining(string Name, int Colour, PretrainingRecords Records, string HeldOutPrint);
