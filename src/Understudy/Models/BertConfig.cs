using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>Architecture of a BERT or RoBERTa encoder; the properties mirror <c>config.json</c> (Devlin et al., arXiv 1810.04805; Liu et al., arXiv 1907.11692).</summary>
public sealed record BertConfig
{
    /// <summary>Value of <c>model_type</c>: <c>bert</c> or <c>roberta</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>Rows of the embedding.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream; a multiple of <see cref="NumAttentionHeads"/>.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Blocks.</summary>
    public required int NumHiddenLayers { get; init; }

    /// <summary>Attention heads of a block.</summary>
    public required int NumAttentionHeads { get; init; }

    /// <summary>Width inside the feed-forward part.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Activation of the feed-forward part and of the masked-LM head, a name of <see cref="Activation.Names"/>.</summary>
    public string HiddenAct { get; init; } = "gelu";

    /// <summary>Rows of the position embedding. RoBERTa's first position is <see cref="PadTokenId"/> + 1, so it takes that many tokens less.</summary>
    public int MaxPositionEmbeddings { get; init; } = 512;

    /// <summary>Rows of the segment embedding.</summary>
    public int TypeVocabSize { get; init; } = 2;

    /// <summary>Added to the variance in layer normalisation.</summary>
    public double LayerNormEps { get; init; } = 1e-12;

    /// <summary>Probability of dropping a number of a hidden state in training.</summary>
    public double HiddenDropoutProb { get; init; } = 0.1;

    /// <summary>Probability of dropping an attention weight in training.</summary>
    public double AttentionProbsDropoutProb { get; init; } = 0.1;

    /// <summary>Probability of dropping a number before the classification head; null takes <see cref="HiddenDropoutProb"/>.</summary>
    public double? ClassifierDropout { get; init; }

    /// <summary>Standard deviation of new weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Id of the padding token.</summary>
    public int PadTokenId { get; init; }

    /// <summary>Id of the first token.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Id of the last token.</summary>
    public int? EosTokenId { get; init; }

    /// <summary>Whether the output of the masked-LM head reuses the embedding.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Names of the classes; empty for a model without a classification head.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>The keys of the file that this was read from; null for a new model.</summary>
    internal JsonObject? Stored { get; init; }

    /// <summary>Whether this is RoBERTa.</summary>
    public bool IsRoberta => ModelType == "roberta";

    /// <summary>The most tokens of a row, special tokens included.</summary>
    public int MaxLength => IsRoberta ? MaxPositionEmbeddings - PadTokenId - 1 : MaxPositionEmbeddings;

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="InvalidDataException">A key is missing, out of its range or not supported.</exception>
    public static BertConfig From(ConfigJson json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var type = json.String("model_type");
        if (type is not ("bert" or "roberta"))
        {
            throw json.Unsupported("model_type", type, "bert, roberta");
        }

        var position = json.String("position_embedding_type", "absolute");
        if (position != "absolute")
        {
            throw json.Unsupported("position_embedding_type", position, "absolute");
        }

        if (json.Bool("is_decoder", false) || json.Bool("add_cross_attention", false))
        {
            throw json.Fault("this is a decoder ('is_decoder' or 'add_cross_attention' is true); only encoders are supported.");
        }

        var roberta = type == "roberta";
        var config = new BertConfig
        {
            ModelType = type,
            VocabSize = json.Int("vocab_size"),
            HiddenSize = json.Int("hidden_size"),
            NumHiddenLayers = json.Int("num_hidden_layers", most: ConfigJson.MostLayers),
            NumAttentionHeads = json.Int("num_attention_heads"),
            IntermediateSize = json.Int("intermediate_size"),
            HiddenAct = json.String("hidden_act", "gelu"),
            MaxPositionEmbeddings = json.Int("max_position_embeddings", 512),
            TypeVocabSize = json.Int("type_vocab_size", 2),
            LayerNormEps = json.Double("layer_norm_eps", 1e-12),
            HiddenDropoutProb = json.Double("hidden_dropout_prob", 0.1),
            AttentionProbsDropoutProb = json.Double("attention_probs_dropout_prob", 0.1),
            ClassifierDropout = json.Has("classifier_dropout") ? json.Double("classifier_dropout") : null,
            InitializerRange = json.Double("initializer_range", 0.02),
            PadTokenId = json.Int("pad_token_id", roberta ? 1 : 0, least: 0),
            BosTokenId = json.OptionalInt("bos_token_id"),
            EosTokenId = json.OptionalInt("eos_token_id"),
            TieWordEmbeddings = json.Bool("tie_word_embeddings", true),
            Labels = LabelNames.Read(json),
            Stored = json.Root,
        };
        _ = Activation.ByName(config.HiddenAct, json);
        return config.HiddenSize % config.NumAttentionHeads == 0 && config.MaxLength >= 2
            ? config
            : throw json.Fault($"'hidden_size' ({config.HiddenSize}) must be a multiple of 'num_attention_heads' ({config.NumAttentionHeads}), and 'max_position_embeddings' ({config.MaxPositionEmbeddings}) leave room for 2 tokens.");
    }

    /// <summary>The <c>config.json</c> of this architecture.</summary>
    /// <param name="architecture">Name of the class in transformers.</param>
    public JsonObject ToJson(string architecture)
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(architecture),
            ["model_type"] = ModelType,
            ["vocab_size"] = VocabSize,
            ["hidden_size"] = HiddenSize,
            ["num_hidden_layers"] = NumHiddenLayers,
            ["num_attention_heads"] = NumAttentionHeads,
            ["intermediate_size"] = IntermediateSize,
            ["hidden_act"] = HiddenAct,
            ["max_position_embeddings"] = MaxPositionEmbeddings,
            ["type_vocab_size"] = TypeVocabSize,
            ["layer_norm_eps"] = LayerNormEps,
            ["hidden_dropout_prob"] = HiddenDropoutProb,
            ["attention_probs_dropout_prob"] = AttentionProbsDropoutProb,
            ["classifier_dropout"] = ClassifierDropout,
            ["initializer_range"] = InitializerRange,
            ["position_embedding_type"] = "absolute",
            ["tie_word_embeddings"] = TieWordEmbeddings,
            ["pad_token_id"] = PadTokenId,
            ["bos_token_id"] = BosTokenId,
            ["eos_token_id"] = EosTokenId,
        };
        LabelNames.Write(json, Labels);
        return ConfigJson.Extended(json, Stored);
    }
}
