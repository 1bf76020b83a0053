using System.CommandLine;
using System.Globalization;
using Understudy.Recipes;
using Understudy.Reports;
using Understudy.Runs;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy bench curve</c></summary>
internal static class BenchCurveVerb
{
    public static Command Create(Execution execution)
    {
        var text = new Option<string[]>("--text")
        {
            Description = "Text to train on, in UTF-8, one document a line, gzip allowed; of a folder, its .txt and .txt.gz files. May be given several times. The default settings take about 5 MB.",
            HelpName = "FILE",
            Arity = ArgumentArity.OneOrMore,
            Required = true,
        };
        var output = GlobalOptions.Text("--output", "FOLDER", "Where curve.json, curve.svg and difference.svg are written; loss-curve by default.");
        var set = GlobalOptions.Set("Settings, for example --set steps=200. May be given several times. Keys: architecture, vocab_size, batch_size, row_length, steps, learning_rate, smoothing, seed.");
        var threads = GlobalOptions.Threads();
        var device = GlobalOptions.Device();
        var verb = new Verb("curve", "Trains a GPT-NeoX of 9 million parameters on text, twice from the same weights in the same order: in fp32, and in bf16 with weights and optimiser in fp32. Says how far the loss curves are apart.",
            "understudy bench curve --text texts.txt.gz --output curves")
        {
            text, output, set, threads, device,
        };
        verb.SetAction(parsed =>
        {
            GlobalOptions.UseThreads(parsed.GetValue(threads));
            var overrides = parsed.GetValue(set) ?? [];
            foreach (var given in overrides)
                execution.Error.WriteLine($"override {given}");
            var options = RunFile.Parse<BenchCurveOptions>("", "command line", overrides).Options;
            var place = GlobalOptions.DeviceOf(parsed.GetRequiredValue(device));
            var folder = parsed.GetValue(output) ?? "loss-curve";
            Storage.CheckReplaceable(Path.Combine(folder, "curve.json"));
            var result = RunScreen.Show(execution.Error, progress => BenchCurve.Run(parsed.GetRequiredValue(text), options, place, progress, execution.Stop));
            Write(result, folder);
            execution.Output.Write(Summary(result, folder));
            return ExitCodes.Done;
        });
        return verb;
    }

    internal static void Write(BenchCurveResult result, string folder)
    {
        var options = result.Options;
        Storage.Replace(Path.Combine(folder, "curve.json"), RunJson.Text(result));
        Storage.Replace(Path.Combine(folder, "curve.svg"), LineChart.Picture(
            $"Loss of {options.Steps} steps in fp32 and in bf16, means of {options.Smoothing} steps", "optimiser step", "loss (nats per token)",
            [new("fp32", Points(BenchCurve.Smoothed(result.Fp32, options.Smoothing)), 0), new("bf16", Points(BenchCurve.Smoothed(result.Bf16, options.Smoothing)), 1)]));
        Storage.Replace(Path.Combine(folder, "difference.svg"), LineChart.Picture(
            $"Loss in bf16 less that in fp32, in per cent of it, means of {options.Smoothing} steps", "optimiser step", "difference (%)",
            [new("difference", Points([.. BenchCurve.Differences(result.Fp32, result.Bf16, options.Smoothing).Select(share => 100 * share)]), 1)]));
    }

    private static string Summary(BenchCurveResult result, string folder)
    {
        var options = result.Options;
        return Text($"{result.Parameters:N0} parameters, {options.Steps} steps of {options.BatchSize} x {options.RowLength} tokens; losses are means of {options.Smoothing} steps, in nats per token\n")
            + Text($"last: {BenchCurve.Smoothed(result.Fp32, options.Smoothing)[^1]:0.0000} in fp32, {BenchCurve.Smoothed(result.Bf16, options.Smoothing)[^1]:0.0000} in bf16, {100 * result.LastDifference:+0.000;-0.000}%\n")
            + Text($"largest difference: {100 * result.LargestDifference:0.000}%, at step {result.LargestAt}\n")
            + Text($"{Path.Combine(folder, "curve.svg")}, difference.svg and curve.json are written\n");
    }

    private static (double X, double Y)[] Points(IReadOnlyList<double> values) => [.. values.Select((value, step) => (step + 1.0, value))];

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
