using Understudy.Models;

namespace Understudy.Tests.Models;

/// <summary>Small random encoder-decoders of every kind a configuration allows, with distributions that are far from flat.</summary>
internal static class TinySequenceToSequence
{
    public const int Vocabulary = 29;

    public static BartConfig BartConfig { get; } = new()
    {
        VocabSize = Vocabulary,
        HiddenSize = 24,
        EncoderLayers = 1,
        EncoderAttentionHeads = 3,
        EncoderFfnDim = 20,
        DecoderLayers = 3,
        DecoderAttentionHeads = 4,
        DecoderFfnDim = 28,
        MaxPositionEmbeddings = 40,
        ScaleEmbedding = true,
        TieWordEmbeddings = false,
        ActivationFunction = "silu",
    };

    public static T5Config T5Config { get; } = new()
    {
        VocabSize = Vocabulary,
        HiddenSize = 24,
        HeadDim = 5,
        IntermediateSize = 20,
        EncoderLayers = 3,
        DecoderLayers = 1,
        HeadCount = 3,
        RelativeAttentionNumBuckets = 7,
        RelativeAttentionMaxDistance = 9,
        FeedForwardProjection = "gated-silu",
        TieWordEmbeddings = false,
        ScaleDecoderOutputs = false,
    };

    public static ISequenceToSequenceModel New(string kind, long seed = 1) => kind switch
    {
        "bart" => new BartForConditionalGeneration(BartConfig, new RandomParameters(seed, 0.3)),
        "bart-tied" => new BartForConditionalGeneration(BartConfig with { TieWordEmbeddings = true, ScaleEmbedding = false }, new RandomParameters(seed, 0.3)),
        "t5" => new T5ForConditionalGeneration(T5Config, new RandomParameters(seed, 0.3)),
        "t5-tied" => new T5ForConditionalGeneration(T5Config with { TieWordEmbeddings = true, ScaleDecoderOutputs = true, FeedForwardProjection = "relu" }, new RandomParameters(seed, 0.5)),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
