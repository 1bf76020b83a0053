using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>Reads and writes <c>adapter_config.json</c> in PEFT's words.</summary>
internal static class LoraConfigFile
{
    private const string LoraType = "LORA";

    // What these switch on changes what the adapter computes, and is not done here.
    private static readonly string[] Unsupported =
    [
        "alora_invocation_tokens", "arrow_config", "corda_config", "ensure_weight_tying", "eva_config", "kasa_config", "layer_replication",
        "loftq_config", "lora_bias", "lora_ga_config", "megatron_config", "monteclora_config", "target_parameters", "trainable_token_indices",
        "use_bdlora", "use_qalora", "velora_config",
    ];

    // What these say changes nothing here: where the file comes from, and how a layer is stored (the base says that).
    private static readonly string[] Known =
    [
        "alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "enable_lora", "exclude_modules", "fan_in_fan_out", "inference_mode",
        "init_lora_weights", "layers_pattern", "layers_to_transform", "lora_alpha", "lora_dropout", "megatron_core", "merge_weights", "modules_to_save",
        "peft_type", "peft_version", "qalora_group_size", "r", "rank_pattern", "revision", "runtime_config", "target_modules", "task_type", "use_dora", "use_rslora",
    ];

    /// <summary>Reads a configuration.</summary>
    /// <param name="json">The file.</param>
    /// <exception cref="InvalidDataException">It is of no LoRA adapter, asks for something that is not supported, or a value is wrong.</exception>
    internal static LoraConfig Read(ConfigJson json)
    {
        var type = json.String("peft_type");
        if (type != LoraType) throw json.Unsupported("peft_type", type, LoraType);
        foreach (var (key, value) in json.Root)
        {
            if (Unsupported.Contains(key) ? IsOn(value) : !Known.Contains(key) && IsFeature(value))
            {
                throw json.Fault($"'{key}' is {Shown(value)}, which is not supported{(Unsupported.Contains(key) ? "" : ", since this key is not known here")}. Expected it to be off: LoRA, rsLoRA and DoRA on linear layers are supported.");
            }
        }

        var (targets, targetPattern) = Names(json, "target_modules");
        var (excluded, excludePattern) = Names(json, "exclude_modules");
        var config = new LoraConfig
        {
            R = json.Int("r", 8, most: LoraConfig.MostRank),
            LoraAlpha = json.Double("lora_alpha", 8),
            LoraDropout = json.Double("lora_dropout", 0),
            TargetModules = targets,
            TargetPattern = targetPattern,
            ExcludeModules = excluded,
            ExcludePattern = excludePattern,
            LayersToTransform = json.Has("layers_to_transform") ? json.Ints("layers_to_transform") : null,
            LayersPattern = Names(json, "layers_pattern") is var (patterns, pattern) && pattern is not null ? [pattern] : patterns,
            RankPattern = Map(json, "rank_pattern", (section, key) => section.Int(key, most: LoraConfig.MostRank)),
            AlphaPattern = Map(json, "alpha_pattern", (section, key) => section.Double(key)),
            UseRslora = json.Bool("use_rslora", false),
            UseDora = json.Bool("use_dora", false),
            Bias = json.String("bias", "none") switch
            {
                "none" => LoraBias.None,
                "lora_only" => LoraBias.LoraOnly,
                var other => throw json.Unsupported("bias", other, "none, lora_only"),
            },
            InitLoraWeights = Init(json),
            ModulesToSave = json.Strings("modules_to_save") ?? [],
            TaskType = json.Has("task_type") ? json.String("task_type") : null,
            BaseModelNameOrPath = json.Has("base_model_name_or_path") ? json.String("base_model_name_or_path") : null,
            Revision = json.Has("revision") ? json.String("revision") : null,
            Stored = json.Root,
        };
        return config.Fault() is { } fault ? throw json.Fault(fault) : config;
    }

    /// <summary>A configuration as PEFT writes it, keys in order; keys of the file that it was read from are kept.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="fanInFanOut">Whether the adapted layers store [in_features, out_features].</param>
    internal static JsonObject Write(LoraConfig config, bool fanInFanOut)
    {
        var json = new JsonObject
        {
            ["alpha_pattern"] = new JsonObject([.. config.AlphaPattern.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)Number(pair.Value)))]),
            ["auto_mapping"] = null,
            ["base_model_name_or_path"] = config.BaseModelNameOrPath,
            ["bias"] = config.Bias == LoraBias.LoraOnly ? "lora_only" : "none",
            ["exclude_modules"] = config.ExcludePattern is { } excluded ? (JsonNode)excluded : List(config.ExcludeModules),
            ["fan_in_fan_out"] = fanInFanOut,
            ["inference_mode"] = true,
            ["init_lora_weights"] = config.InitLoraWeights == LoraInit.Gaussian ? (JsonNode)"gaussian" : config.InitLoraWeights == LoraInit.Kaiming,
            ["layers_pattern"] = List(config.LayersPattern),
            ["layers_to_transform"] = config.LayersToTransform is { } layers ? new JsonArray([.. layers.Select(layer => (JsonNode)layer)]) : null,
            ["lora_alpha"] = Number(config.LoraAlpha),
            ["lora_dropout"] = config.LoraDropout,
            ["modules_to_save"] = List(config.SavedModules.Any() ? [.. config.SavedModules] : null),
            ["peft_type"] = LoraType,
            ["r"] = config.R,
            ["rank_pattern"] = new JsonObject([.. config.RankPattern.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))]),
            ["revision"] = config.Revision,
            ["target_modules"] = config.TargetPattern is { } pattern ? (JsonNode)pattern : List(config.TargetModules),
            ["task_type"] = config.TaskType,
            ["use_dora"] = config.UseDora,
            ["use_rslora"] = config.UseRslora,
        };
        foreach (var (key, value) in config.Stored ?? [])
        {
            if (!json.ContainsKey(key) || key is "auto_mapping") json[key] = value?.DeepClone();
        }

        return new JsonObject([.. json.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone()))]);
    }

    private static bool IsOn(JsonNode? value) => value switch
    {
        null => false,
        JsonObject section => section.Count > 0,
        JsonArray list => list.Count > 0,
        JsonValue flag when flag.TryGetValue<bool>(out var on) => on,
        _ => true,
    };

    // A newer PEFT's keys: a number or a word sets something that a flag or a section switches on.
    private static bool IsFeature(JsonNode? value) => IsOn(value) && (value is not JsonValue single || single.GetValueKind() is JsonValueKind.True);

    private static string Shown(JsonNode? value) => value?.ToJsonString() is { } text ? text.Length <= 80 ? text : text[..77] + "..." : "null";

    // Other ways to begin change the base's weights, so that an adapter fits only a base changed in the same way.
    private static LoraInit Init(ConfigJson json) => json.Root.TryGetPropertyValue("init_lora_weights", out var node) && node is JsonValue value
        ? value.TryGetValue<bool>(out var usual) ? usual ? LoraInit.Kaiming : LoraInit.Random
            : value.TryGetValue<string>(out var name) && name == "gaussian" ? LoraInit.Gaussian
            : throw json.Unsupported("init_lora_weights", value.ToJsonString().Trim('"'), "true, false, gaussian")
        : LoraInit.Kaiming;

    // PEFT allows a list of names or one expression.
    private static (IReadOnlyList<string>? Names, string? Pattern) Names(ConfigJson json, string key) =>
        json.Root.TryGetPropertyValue(key, out var node) && node is JsonValue value && value.TryGetValue<string>(out var pattern)
            ? (null, pattern.Length > 0 ? pattern : null)
            : (json.Strings(key), null);

    private static Dictionary<string, T> Map<T>(ConfigJson json, string key, Func<ConfigJson, string, T> read) => json.Section(key) is { } section
        ? section.Root.ToDictionary(pair => pair.Key, pair => read(section, pair.Key))
        : [];

    private static JsonArray? List(IReadOnlyList<string>? names) => names is null ? null : new JsonArray([.. names.Select(name => (JsonNode)name)]);

    // A whole number is written as one: older versions of PEFT declare alpha an integer.
    private static JsonValue Number(double value) => value == Math.Truncate(value) && Math.Abs(value) < 1e15
        ? JsonValue.Create(long.Parse(value.ToString("F0", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture))
        : JsonValue.Create(value);
}
