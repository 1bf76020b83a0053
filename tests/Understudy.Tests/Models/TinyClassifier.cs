using Understudy.Models;

namespace Understudy.Tests.Models;

/// <summary>A small random encoder with a classification head.</summary>
internal static class TinyClassifier
{
    public static BertConfig Config(string modelType = "roberta", int labels = 3) => new()
    {
        ModelType = modelType,
        VocabSize = 40,
        HiddenSize = 16,
        NumHiddenLayers = 2,
        NumAttentionHeads = 2,
        IntermediateSize = 32,
        MaxPositionEmbeddings = 34,
        TypeVocabSize = modelType == "roberta" ? 1 : 2,
        PadTokenId = modelType == "roberta" ? 1 : 0,
        Labels = [.. Enumerable.Range(0, labels).Select(i => $"label {i}")],
    };

    public static ISequenceClassifier New(string modelType = "roberta", int labels = 3, long seed = 1) =>
        AutoModel.NewSequenceClassifier(Config(modelType, labels), seed);
}
