using Understudy.Models;

namespace Understudy.Tests.Generation;

/// <summary>A small random GPT-NeoX whose distributions are far from flat.</summary>
internal static class TinyModel
{
    public const int Vocabulary = 61;

    public static GptNeoxForCausalLM New(long seed = 1, int maxLength = 64) => new(
        new GptNeoxConfig
        {
            VocabSize = Vocabulary,
            HiddenSize = 32,
            NumHiddenLayers = 2,
            NumAttentionHeads = 4,
            IntermediateSize = 64,
            MaxPositionEmbeddings = maxLength,
            RotaryPct = 0.5,
        },
        new RandomParameters(seed, 0.3));
}
