namespace Understudy.Models;

/// <summary>Mistral: Llama with a window over the tokens before (Jiang et al., arXiv 2310.06825; layout of transformers' <c>MistralForCausalLM</c>).</summary>
public static class MistralForCausalLM
{
    // Of a file that does not say; null in a file means no window.
    private const int DefaultWindow = 4096;

    /// <summary>How Mistral's folders are read.</summary>
    internal static ModelFamily Family { get; } = LlamaForCausalLM.FamilyOf("mistral", json => LlamaConfig.From(json, "MistralForCausalLM", defaultPositions: 131_072) with
    {
        SlidingWindow = json.Root.ContainsKey("sliding_window") ? json.OptionalInt("sliding_window", least: 1) : DefaultWindow,
    });
}
