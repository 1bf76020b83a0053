namespace Understudy.Models;

/// <summary>Qwen2 and Qwen2.5: Llama with biases on queries, keys and values, and a window in its later blocks where the file asks for one (arXiv 2407.10671; layout of transformers' <c>Qwen2ForCausalLM</c>).</summary>
public static class Qwen2ForCausalLM
{
    /// <summary>How Qwen2's folders are read.</summary>
    internal static ModelFamily Family { get; } = LlamaForCausalLM.FamilyOf("qwen2", json => WithWindow(LlamaConfig.From(json, "Qwen2ForCausalLM", defaultPositions: 32_768), json) with
    {
        QueryKeyValueBias = true,
    });

    /// <summary>The window of Qwen2 and Qwen3: only with <c>use_sliding_window</c>, and only in some blocks.</summary>
    internal static LlamaConfig WithWindow(LlamaConfig config, ConfigJson json) => json.Bool("use_sliding_window", false) && json.OptionalInt("sliding_window", least: 1) is { } window
        ? config with { SlidingWindow = window, SlidingLayers = LlamaConfig.WindowsOf(json, config.NumHiddenLayers, json.Int("max_window_layers", 28, least: 0)) }
        : config;
}
