using System.CommandLine;
using System.Globalization;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy bench</c></summary>
internal static class BenchVerb
{
    public static Command Create(Execution execution)
    {
        var set = GlobalOptions.Set("What to measure, for example --set architecture.hidden_size=256. May be given several times. Keys: vocab_size, batch_size, row_length, gradient_checkpointing, generation_rows, prompt_length, new_tokens, gemm_size, repeats, precisions, seed, architecture, lora.");
        var threads = GlobalOptions.Threads();
        var device = GlobalOptions.Device();
        var verb = new Verb("bench", "Measures training and generation of a GPT-NeoX with random weights, next to the rate of a plain matrix product.",
            "understudy bench\nunderstudy bench --set architecture.hidden_size=256 --set architecture.num_attention_heads=4 --set vocab_size=8192 --set batch_size=32")
        {
            set, threads, device,
        };
        verb.SetAction(parsed =>
        {
            GlobalOptions.UseThreads(parsed.GetValue(threads));
            var overrides = parsed.GetValue(set) ?? [];
            foreach (var given in overrides)
                execution.Error.WriteLine($"override {given}");
            var options = RunFile.Parse<BenchOptions>("", "command line", overrides).Options;
            var place = GlobalOptions.DeviceOf(parsed.GetRequiredValue(device));
            var result = RunScreen.Show(execution.Error, progress => Bench.Run(options, place, progress, execution.Stop));
            foreach (var line in Lines(options, result))
                execution.Output.WriteLine(line);
            return ExitCodes.Done;
        });
        return verb;
    }

    private static IEnumerable<string> Lines(BenchOptions options, BenchResult result)
    {
        var shape = options.Architecture;
        yield return Text($"GPT-NeoX, {shape.NumHiddenLayers} layers, width {shape.HiddenSize}, {shape.NumAttentionHeads} heads, vocabulary {options.VocabSize:N0}: {result.Parameters:N0} parameters, {result.CountedParameters:N0} of them without the input embedding{(result.TrainedParameters == result.Parameters ? "" : Text($", {result.TrainedParameters:N0} of an adapter are trained"))}; {result.Threads} threads, libtorch {torch.__version__}; medians of {options.Repeats}");
        foreach (var figures in result.Figures)
        {
            var name = figures.Precision.ToString().ToLowerInvariant();
            yield return Text($"{name} GEMM {options.GemmSize:N0} cubed: {figures.GemmRate / 1e9:N0} GFLOP/s");
            yield return Text($"{name} training, {options.BatchSize} x {options.RowLength} tokens{(options.GradientCheckpointing ? ", gradient checkpointing" : "")}: {figures.TrainingTokensPerSecond:N0} tokens/s, {1000 * figures.StepSeconds:N1} ms a step; work / GEMM rate {100 * figures.TrainingShare:N1}%");
            if (figures.PromptTokensPerSecond is { } prompt && figures.GeneratedTokensPerSecond is { } generated)
                yield return Text($"{name} generation, {options.GenerationRows} rows: {prompt:N0} prompt tokens/s ({options.PromptLength} a row), {generated:N0} new tokens/s ({options.NewTokens} a row)");
        }

        yield return Text($"peak memory {result.PeakMemoryBytes / (double)(1 << 30):N2} GiB");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
