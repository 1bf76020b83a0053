namespace Understudy.Models;

/// <summary>Qwen3: Qwen2 whose heads of queries and keys are normalised, with biases only where the file asks for them (arXiv 2505.09388; layout of transformers' <c>Qwen3ForCausalLM</c>).</summary>
public static class Qwen3ForCausalLM
{
    private const int DefaultHeadDim = 128;

    /// <summary>How Qwen3's folders are read.</summary>
    internal static ModelFamily Family { get; } = LlamaForCausalLM.FamilyOf("qwen3", json => Qwen2ForCausalLM.WithWindow(LlamaConfig.From(json, "Qwen3ForCausalLM", DefaultHeadDim, 32_768), json) with
    {
        QueryKeyValueBias = json.Bool("attention_bias", false),
        AttentionOutputBias = json.Bool("attention_bias", false),
        QueryKeyNorm = true,
    });
}
