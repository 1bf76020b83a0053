using System.CommandLine;
using System.Globalization;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy perplexity MODEL --text FILE</c></summary>
internal static class PerplexityVerb
{
    public static Command Create(Execution execution)
    {
        var model = new Argument<string>("MODEL") { Description = $"Folder of a causal language model or of an adapter on one, {NamedModel.OrByName}" };
        model.Validators.Add(GlobalOptions.RefuseOptions);
        var text = GlobalOptions.Text("--text", "FILE", "The text, in UTF-8, gzip allowed.");
        text.Required = true;
        var defaults = new PerplexityOptions();
        var quantization = GlobalOptions.Choice("--quantization", defaults.Quantization, "How linear layers are held in the second measurement; none for no second one.");
        var dtype = GlobalOptions.Choice("--dtype", defaults.Dtype, "Type of the weights and of the arithmetic.");
        var set = GlobalOptions.Set("Further settings, for example --set context=512. May be given several times. Keys: block_size, double_quantization, context, stride, max_tokens.");
        var json = GlobalOptions.Json("The figures as JSON.");
        var threads = GlobalOptions.Threads();
        var device = GlobalOptions.Device();
        var verb = new Verb("perplexity", "Measures how well a model predicts a text, and what is lost of it when its layers are held in 4 or 8 bits.",
            "understudy perplexity models/pythia-160m --text held-out.txt.gz\nunderstudy perplexity models/llama --text held-out.txt --quantization int8 --dtype bfloat16")
        {
            model, text, quantization, dtype, set, json, threads, device,
        };
        verb.SetAction(parsed =>
        {
            GlobalOptions.UseThreads(parsed.GetValue(threads));
            var overrides = parsed.GetValue(set) ?? [];
            foreach (var given in overrides)
                execution.Error.WriteLine($"override {given}");
            var options = RunFile.Parse<PerplexityOptions>("", "command line", overrides).Options with { Quantization = parsed.GetValue(quantization) ?? defaults.Quantization, Dtype = parsed.GetValue(dtype) ?? defaults.Dtype };
            var place = GlobalOptions.DeviceOf(parsed.GetRequiredValue(device));
            var folder = NamedModel.Folder(parsed.GetRequiredValue(model), execution);
            var origin = NamedModel.Base(folder, execution);
            var result = RunScreen.Show(execution.Error, progress => Perplexity.Run(folder, parsed.GetRequiredValue(text), options, place, progress, origin, execution.Stop));
            execution.Output.Write(parsed.GetValue(json) ? RunJson.Text(result) : Table(result));
            return ExitCodes.Done;
        });
        return verb;
    }

    /// <summary>The figures side by side, and what changed.</summary>
    internal static string Table(PerplexityResult result)
    {
        List<IReadOnlyList<string>> lines = [["", "weights", "perplexity", "bits per byte", "tokens/s"]];
        lines.AddRange(result.Figures.Select(figures => (IReadOnlyList<string>)[figures.Weights, BinarySize.Text(figures.WeightBytes), Text($"{figures.Perplexity:0.000}"), Text($"{figures.BitsPerByte:0.0000}"), Text($"{figures.TokensPerSecond:N0}")]));
        if (result.Figures is [var before, var after])
        {
            lines.Add(
            [
                "change", Percent(after.WeightBytes / (double)before.WeightBytes), Percent(after.Perplexity / before.Perplexity),
                Text($"{Rounded(after.BitsPerByte - before.BitsPerByte, 4):+0.0000;-0.0000}"), Percent(after.TokensPerSecond / before.TokensPerSecond),
            ]);
        }

        return Text($"{result.Tokens:N0} tokens, {result.Bytes:N0} bytes, context {result.Context:N0}, stride {result.Stride:N0}\n") + TextTable.Of(lines, texts: 1);
    }

    private static string Percent(double ratio) => Text($"{Rounded(100 * (ratio - 1), 1):+0.0;-0.0}%");

    // What rounds to nothing has no sign; .NET would write two.
    private static double Rounded(double value, int digits) => Math.Round(value, digits) + 0.0;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
