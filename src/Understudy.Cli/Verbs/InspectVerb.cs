using System.CommandLine;
using System.Globalization;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy inspect MODEL</c></summary>
internal static class InspectVerb
{
    // What a process with libtorch takes before there is a tensor, and what CUDA takes of a GPU.
    private const long OfProgram = 300L << 20, OfCuda = 1L << 30;

    private static readonly int[] GpuSizes = [8, 12, 16, 24, 32, 40, 48, 80, 96, 141, 192, 288];

    public static Command Create(Execution execution)
    {
        var model = new Argument<string>("MODEL") { Description = $"A model's folder or its config.json, {NamedModel.OrByName}" };
        model.Validators.Add(GlobalOptions.RefuseOptions);
        var batchSize = GlobalOptions.Number("--batch-size", 1, "Rows of the training batch that memory is estimated for.");
        batchSize.DefaultValueFactory = _ => 1;
        var length = GlobalOptions.Number("--length", 0, "Tokens of its rows; 0 takes 512, or the most that the model takes.");
        var rank = GlobalOptions.Number("--lora-r", 1, "Rank of the adapters.");
        rank.DefaultValueFactory = _ => 16;
        var load = new Option<bool>("--load") { Description = "Load the model and say what time and memory that and a first token took." };
        var type = new Option<string>("--dtype") { Description = "Type to load in: float32, bfloat16, float16, int8 or nf4. By default that of the file.", HelpName = "TYPE" };
        type.AcceptOnlyFromAmong("float32", "bfloat16", "float16", "int8", "nf4");
        var threads = GlobalOptions.Threads();
        var json = GlobalOptions.Json("One JSON object in place of the tables; sizes are in bytes.");
        var verb = new Verb("inspect", "Says what a model is, how large its parts are, and how much memory it takes to run it and to tune it. Without --load no weight is read.",
            "understudy inspect ../models/pythia-1.4b --batch-size 8 --length 512\nunderstudy inspect config.json --json")
        {
            model, batchSize, length, rank, load, type, threads, json,
        };
        verb.SetAction(parsed =>
        {
            GlobalOptions.UseThreads(parsed.GetValue(threads));
            var given = parsed.GetRequiredValue(model);
            var options = new InspectOptions
            {
                BatchSize = parsed.GetValue(batchSize),
                Length = parsed.GetValue(length) is > 0 and var tokens ? tokens : null,
                LoraRank = parsed.GetValue(rank),
                Load = parsed.GetValue(load),
                DType = parsed.GetValue(type) switch { "float32" => ScalarType.Float32, "bfloat16" => ScalarType.BFloat16, "float16" => ScalarType.Float16, _ => null },
                Quantization = parsed.GetValue(type) switch { "nf4" => WeightQuantization.Nf4, "int8" => WeightQuantization.Int8, _ => WeightQuantization.None },
            };
            var result = Inspect.Run(File.Exists(given) ? given : NamedModel.Folder(given, execution), options);
            execution.Output.Write(parsed.GetValue(json) ? RunJson.Text(result) : Report(result));
            return ExitCodes.Done;
        });
        return verb;
    }

    internal static string Report(InspectResult result) => string.Join('\n', Sections(result).Where(section => section.Length > 0));

    private static IEnumerable<string> Sections(InspectResult result)
    {
        yield return Facts(result);
        yield return TextTable.Of([.. Parts(result.Parameters)], texts: 1);
        var memory = result.Memory;
        List<string[]> running = [["memory to run", "weights"], ["fp32", BinarySize.Text(memory.Float32)], ["bf16", BinarySize.Text(memory.BFloat16)], ["int8", BinarySize.Text(memory.Int8)], ["nf4", BinarySize.Text(memory.Nf4)]];
        if (memory is { CacheFloat32: { } wide, CacheBFloat16: { } narrow })
        {
            running.Add(["1,000 tokens of cache, fp32", BinarySize.Text(wide)]);
            running.Add(["1,000 tokens of cache, bf16", BinarySize.Text(narrow)]);
        }

        yield return TextTable.Of(running, texts: 1);
        yield return TextTable.Of([.. Tunings(memory)], texts: 1)
            + Text($"LoRA is of rank {result.Parameters.LoraRank} on all linear layers but the output; cp: with gradient checkpointing. CPU adds {BinarySize.Text(OfProgram)} for the program; GPU is the smallest usual card, with {BinarySize.Text(OfCuda)} for CUDA and a tenth to spare.\n");
        if (result.Loading is { } loading)
            yield return Loading(loading);
    }

    private static string Facts(InspectResult result)
    {
        var sizes = result.Sizes;
        var layers = sizes.DecoderLayers is { } decoder ? Text($"{sizes.Layers} + {decoder}") : Text($"{sizes.Layers}");
        var shared = sizes.KeyValueHeads == sizes.Heads ? "" : Text($", {sizes.KeyValueHeads} for keys and values");
        var lines = new List<string[]>
        {
            new[] { "model", $"{result.Architecture} ({result.ModelType})" },
            new[] { "shape", Text($"{layers} layers, width {sizes.HiddenSize:N0}, {sizes.Heads} heads of {sizes.HeadDim}{shared}, feed forward {sizes.IntermediateSize:N0}") },
            new[] { "vocabulary", Text($"{sizes.VocabularySize:N0}") },
            new[] { "context", Text($"{sizes.MaxLength:N0} tokens") },
        };
        if (result.Weights is { } weights)
            lines.Add(["weights", Text($"{BinarySize.Text(weights.Bytes)} in {weights.Files} {(weights.Files == 1 ? "file" : "files")}: {string.Join(", ", weights.Types.Select(type => $"{type.Key} {BinarySize.Text(type.Value)}"))}")]);
        if (result.QuantizationConfig is { } quantization)
            lines.Add(["quantization_config", quantization.ToJsonString()]);
        if (result.Tokenizer is { } tokenizer)
        {
            lines.Add(["tokenizer", string.Join(", ", new[] { tokenizer.Class, tokenizer.Model, tokenizer.Tokens is { } tokens ? Text($"{tokens:N0} tokens") : null, tokenizer.Fault }.Where(part => part is not null))]);
            lines.AddRange(tokenizer.SpecialTokens.GroupBy(token => token.Role).Select(role =>
                new[] { $"  {role.Key}", string.Join(" ", role.Take(8).Select(token => Text($"{token.Content} ({token.Id?.ToString(CultureInfo.InvariantCulture) ?? "not in the vocabulary"})"))) + (role.Count() > 8 ? Text($" and {role.Count() - 8} more") : "") }));
        }

        lines.Add(["chat template", result.ChatTemplate ? "yes" : "no"]);
        return TextTable.Of(lines, texts: 2);
    }

    private static IEnumerable<string[]> Parts(ParameterCounts counts)
    {
        string[] Line(string name, long number) => [name, Text($"{number:N0}"), counts.Total == 0 ? "" : Text($"{100.0 * number / counts.Total:0.0}%")];
        yield return Line("parameters", counts.Total);
        yield return Line("  embeddings", counts.Embeddings);
        yield return Line("  attention", counts.Attention);
        yield return Line("  feed forward", counts.FeedForward);
        yield return Line("  normalisation", counts.Norms);
        yield return Line("  output", counts.Head);
        yield return Line(Text($"LoRA, rank {counts.LoraRank}"), counts.Lora);
    }

    private static IEnumerable<string[]> Tunings(ModelMemory memory)
    {
        yield return [Text($"memory to tune, {memory.BatchSize} x {memory.Length:N0} tokens"), "weights", "gradients", "AdamW", "activations", "CPU", "GPU", "CPU, cp", "GPU, cp"];
        foreach (var way in memory.Tunings)
        {
            yield return
            [
                way.Name, BinarySize.Text(way.Weights), BinarySize.Text(way.Gradients), BinarySize.Text(way.OptimizerState), BinarySize.Text(way.Activations),
                BinarySize.Text(way.Total + OfProgram), Gpu(way.Total), BinarySize.Text(way.TotalCheckpointed + OfProgram), Gpu(way.TotalCheckpointed),
            ];
        }
    }

    private static string Gpu(long bytes)
    {
        var needed = (1.1 * bytes) + OfCuda;
        var fitting = Array.Find(GpuSizes, size => size * 1e9 >= needed);
        return fitting > 0 ? $"{fitting} GB" : "none";
    }

    private static string Loading(LoadMeasurement loading) => Text(
        $"loaded {loading.Type} in {loading.LoadSeconds:0.0} s{(loading.FirstTokenSeconds is { } first ? Text($", first token {first:0.00} s later") : "")}; weights {BinarySize.Text(loading.WeightBytes)}, peak memory {BinarySize.Text(loading.PeakBytes)} ({BinarySize.Text(loading.BeforeBytes)} of it before): {(double)(loading.PeakBytes - loading.BeforeBytes) / Math.Max(1, loading.WeightBytes):0.000} x the weights\n");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
