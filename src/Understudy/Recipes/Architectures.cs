using Understudy.Models;
using Understudy.Tokenization;

namespace Understudy.Recipes;

/// <summary>Model configurations from the shapes that a run file describes.</summary>
internal static class Architectures
{
    /// <summary>A GPT-NeoX of this shape for a tokenizer.</summary>
    internal static GptNeoxConfig GptNeox(ArchitectureOptions options, Tokenizer tokenizer) => new()
    {
        VocabSize = tokenizer.VocabularySize,
        HiddenSize = options.HiddenSize,
        NumHiddenLayers = options.NumHiddenLayers,
        NumAttentionHeads = options.NumAttentionHeads,
        IntermediateSize = options.IntermediateSize ?? 4 * options.HiddenSize,
        MaxPositionEmbeddings = options.MaxPositionEmbeddings,
        TieWordEmbeddings = options.TieWordEmbeddings,
        HiddenDropout = options.Dropout,
        AttentionDropout = options.Dropout,
        BosTokenId = tokenizer.TokenToId(Tokenizers.EndOfText),
        EosTokenId = tokenizer.TokenToId(Tokenizers.EndOfText),
        PadTokenId = tokenizer.TokenToId(Tokenizers.Padding),
    };

    /// <summary>A BART of this shape for a tokenizer: as many layers in the encoder as in the decoder.</summary>
    internal static BartConfig Bart(ArchitectureOptions options, Tokenizer tokenizer) => new()
    {
        VocabSize = tokenizer.VocabularySize,
        HiddenSize = options.HiddenSize,
        EncoderLayers = options.NumHiddenLayers,
        EncoderAttentionHeads = options.NumAttentionHeads,
        EncoderFfnDim = options.IntermediateSize ?? 4 * options.HiddenSize,
        DecoderLayers = options.NumHiddenLayers,
        DecoderAttentionHeads = options.NumAttentionHeads,
        DecoderFfnDim = options.IntermediateSize ?? 4 * options.HiddenSize,
        MaxPositionEmbeddings = options.MaxPositionEmbeddings,
        Dropout = options.Dropout,
        PadTokenId = Tokenizers.Id(tokenizer, Tokenizers.Padding),
        BosTokenId = Tokenizers.Id(tokenizer, Tokenizers.Begin),
        EosTokenIds = [Tokenizers.Id(tokenizer, Tokenizers.End)],
        DecoderStartTokenId = Tokenizers.Id(tokenizer, Tokenizers.End),
    };

    /// <summary>A RoBERTa or BERT classifier of this shape for a tokenizer.</summary>
    internal static BertConfig Classifier(ArchitectureOptions options, Tokenizer tokenizer, IReadOnlyList<string> labels)
    {
        var roberta = options.Family == ArchitectureFamily.Roberta;
        // Either family takes either kind of tokenizer; the special tokens go by the tokenizer.
        int? Special(string byteLevel, string wordPiece) => tokenizer.TokenToId(byteLevel) ?? tokenizer.TokenToId(wordPiece);
        var padding = Special("<pad>", "[PAD]") ?? 0;
        return new BertConfig
        {
            ModelType = roberta ? "roberta" : "bert",
            VocabSize = tokenizer.VocabularySize,
            HiddenSize = options.HiddenSize,
            NumHiddenLayers = options.NumHiddenLayers,
            NumAttentionHeads = options.NumAttentionHeads,
            IntermediateSize = options.IntermediateSize ?? 4 * options.HiddenSize,
            // RoBERTa's first position is that of the padding token plus one.
            MaxPositionEmbeddings = options.MaxPositionEmbeddings + (roberta ? padding + 1 : 0),
            TypeVocabSize = roberta ? 1 : 2,
            LayerNormEps = roberta ? 1e-5 : 1e-12,
            HiddenDropoutProb = options.Dropout,
            AttentionProbsDropoutProb = options.Dropout,
            PadTokenId = padding,
            BosTokenId = Special("<s>", "[CLS]"),
            EosTokenId = Special("</s>", "[SEP]"),
            Labels = labels,
        };
    }
}
