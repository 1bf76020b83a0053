using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>Says what a model folder holds and how much memory it needs, without loading it.</summary>
public static class Inspect
{
    private const int UsualLength = 512;
    private const int PromptTokens = 16;

    /// <summary>Looks at a model.</summary>
    /// <param name="path">A Hugging Face folder, or a <c>config.json</c> without weights.</param>
    /// <param name="options">What to assume.</param>
    /// <exception cref="InvalidDataException">The configuration describes no supported model, the files are damaged, or weights are to be loaded and there is a configuration alone.</exception>
    public static InspectResult Run(string path, InspectOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var alone = File.Exists(path);
        if (alone && options.Load) throw new InvalidDataException($"{path} is a configuration without weights, so there is nothing to load. Name the folder of the model, or leave the loading out.");
        var folder = alone ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;
        var stored = alone ? ConfigJson.ReadFile(path) : ConfigJson.Read(path);
        using var outline = AutoModel.Outline(path);
        var config = outline.ToConfigJson();
        var sizes = Sizes(config, outline);
        var counts = Count(outline, options.LoraRank);
        var memory = ModelMemory.Of(outline, sizes, counts, options.BatchSize, Math.Min(options.Length ?? UsualLength, sizes.MaxLength));
        var settings = TokenizerSettings(folder);
        return new InspectResult(
            path,
            stored.String("model_type"),
            (config["architectures"] as JsonArray)?.FirstOrDefault()?.GetValue<string>() ?? "",
            sizes,
            counts,
            alone ? null : Weights(folder),
            memory,
            alone ? null : Tokenizer(folder, settings),
            !alone && (settings?.ContainsKey("chat_template") == true || File.Exists(Path.Combine(folder, "chat_template.jinja")) || File.Exists(Path.Combine(folder, "chat_template.json"))),
            stored.Section("quantization_config")?.Root,
            options.Load ? Load(folder, options) : null);
    }

    internal static ModelSizes Sizes(JsonObject config, IPretrainedModel model)
    {
        int? Number(params ReadOnlySpan<string> keys)
        {
            foreach (var key in keys)
            {
                if (config[key] is JsonValue value && value.TryGetValue<int>(out var number)) return number;
            }

            return null;
        }

        var hidden = Number("hidden_size", "n_embd", "d_model") ?? 0;
        var heads = Number("num_attention_heads", "n_head", "encoder_attention_heads", "num_heads") ?? 1;
        var pair = model is ISequenceToSequenceModel;
        var table = model.Parameters.Where(parameter => parameter.Value.ndim == 2 && IsEmbedding(parameter.Name)).Select(parameter => (int)parameter.Value.size(0)).DefaultIfEmpty(0).Max();
        return new ModelSizes(
            Number("encoder_layers", "num_hidden_layers", "n_layer", "num_layers") ?? 0,
            pair ? Number("decoder_layers", "num_decoder_layers", "num_layers") : null,
            heads,
            Number("num_key_value_heads") ?? heads,
            Number("head_dim", "d_kv") ?? hidden / heads,
            hidden,
            Number("intermediate_size", "n_inner", "encoder_ffn_dim", "d_ff") ?? 4 * hidden,
            Number("vocab_size") ?? table,
            model.MaxLength);
    }

    private static ParameterCounts Count(IPretrainedModel model, int rank)
    {
        var linears = model.Linears.ToDictionary(layer => layer.Name);
        var parts = model.Parameters.ToLookup(parameter => PartOf(parameter.Name, linears), parameter => parameter.Value.numel());
        var lora = model.Linears.Where(layer => !layer.IsHead).Sum(layer => rank * (layer.Weight.InFeatures + layer.Weight.OutFeatures));
        return new ParameterCounts(model.Parameters.Sum(parameter => parameter.Value.numel()), parts["embeddings"].Sum(), parts["attention"].Sum(), parts["feed forward"].Sum(), parts["norms"].Sum(), parts["head"].Sum(), rank, lora);
    }

    private static string PartOf(string parameter, Dictionary<string, Linear> linears)
    {
        var module = parameter[..Math.Max(0, parameter.LastIndexOf('.'))];
        var attends = parameter.Contains("attn", StringComparison.OrdinalIgnoreCase) || parameter.Contains("attention", StringComparison.OrdinalIgnoreCase);
        var inBlock = parameter.Any(char.IsAsciiDigit);
        return linears.TryGetValue(module, out var linear)
                ? linear.IsHead || !inBlock ? "head" : attends ? "attention" : "feed forward"
            : parameter.Contains("norm", StringComparison.OrdinalIgnoreCase) || module.Contains(".ln_", StringComparison.Ordinal) || module.StartsWith("ln_", StringComparison.Ordinal) ? "norms"
            : attends ? "attention"
            : IsEmbedding(parameter) ? "embeddings"
            : inBlock ? "feed forward"
            : "head";
    }

    private static bool IsEmbedding(string parameter) =>
        parameter.Contains("embed", StringComparison.Ordinal) || parameter.Contains("wte", StringComparison.Ordinal) || parameter.Contains("wpe", StringComparison.Ordinal) || parameter.EndsWith("shared.weight", StringComparison.Ordinal);

    private static StoredWeights? Weights(string folder)
    {
        if (!File.Exists(Path.Combine(folder, Checkpoint.WeightsName)) && !File.Exists(Path.Combine(folder, $"{Checkpoint.WeightsName}.index.json"))) return null;
        using var checkpoint = Checkpoint.Open(folder);
        var tensors = checkpoint.Names.Select(name => checkpoint.TryGet(name, out var tensor) ? tensor : throw new UnreachableException()).ToList();
        return new StoredWeights(
            tensors.Select(tensor => tensor.File.Path).Distinct().Count(),
            tensors.Sum(tensor => tensor.Entry.ByteCount),
            tensors.GroupBy(tensor => tensor.Entry.DType.Name()).OrderByDescending(group => group.Sum(tensor => tensor.Entry.ByteCount)).ToDictionary(group => group.Key, group => group.Sum(tensor => tensor.Entry.ByteCount)));
    }

    private static JsonObject? TokenizerSettings(string folder)
    {
        var file = Path.Combine(folder, "tokenizer_config.json");
        return File.Exists(file) ? ConfigJson.ReadFile(file).Root : null;
    }

    private static InspectedTokenizer? Tokenizer(string folder, JsonObject? settings)
    {
        var name = settings?["tokenizer_class"] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
        try
        {
            var tokenizer = Tokenization.Tokenizer.FromFolder(folder);
            return new InspectedTokenizer(name, tokenizer.Parts.Model.GetType().Name is "BpeModel" ? "BPE" : tokenizer.Parts.Model.GetType().Name[..^"Model".Length], tokenizer.VocabularySize, [.. tokenizer.SpecialTokens.All.Select(token => new InspectedToken(token.Role, token.Content, token.Id))], null);
        }
        catch (FileNotFoundException e)
        {
            return name is null ? null : new InspectedTokenizer(name, null, null, [], e.Message);
        }
        catch (Exception e) when (e is InvalidDataException or JsonException)
        {
            return new InspectedTokenizer(name, null, null, [], e.Message);
        }
    }

    private static LoadMeasurement Load(string folder, InspectOptions options)
    {
        var before = Resident();
        var watch = Stopwatch.StartNew();
        using var model = AutoModel.Load(folder, new LoadOptions { DType = options.DType, Quantization = options.Quantization });
        var loaded = watch.Elapsed.TotalSeconds;
        double? first = null;
        if (model is ICausalLanguageModel causal)
        {
            watch.Restart();
            using var gradients = torch.no_grad();
            using var scope = torch.NewDisposeScope();
            var tokens = Math.Min(PromptTokens, causal.MaxLength);
            using var cache = causal.NewCache(1, tokens);
            var hidden = causal.Hidden(torch.arange(tokens).clamp(0, causal.VocabularySize - 1).unsqueeze(0), cache: cache);
            _ = causal.Logits(hidden.select(1, tokens - 1)).argmax(-1).item<long>();
            first = watch.Elapsed.TotalSeconds;
        }

        using var process = Process.GetCurrentProcess();
        return new LoadMeasurement(
            options.Quantization != WeightQuantization.None ? options.Quantization.ToString().ToLowerInvariant() : options.DType is { } given ? MappedTensors.NameOf(given) : "as stored", loaded, first,
            model.WeightBytes(), process.PeakWorkingSet64, before);
    }

    private static long Resident()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
