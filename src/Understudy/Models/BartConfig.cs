using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>Architecture of a BART model; the properties mirror <c>config.json</c> (Lewis et al., arXiv 1910.13461; layout of transformers' <c>BartForConditionalGeneration</c>).</summary>
public sealed record BartConfig
{
    /// <summary>Value of <c>model_type</c>.</summary>
    public const string ModelType = "bart";

    /// <summary>Rows of the embedding that encoder, decoder and output share.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream, a multiple of both numbers of heads. <c>d_model</c> in the file.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Blocks of the encoder.</summary>
    public required int EncoderLayers { get; init; }

    /// <summary>Attention heads of an encoder block.</summary>
    public required int EncoderAttentionHeads { get; init; }

    /// <summary>Width inside the feed-forward part of an encoder block.</summary>
    public required int EncoderFfnDim { get; init; }

    /// <summary>Blocks of the decoder.</summary>
    public required int DecoderLayers { get; init; }

    /// <summary>Attention heads of a decoder block.</summary>
    public required int DecoderAttentionHeads { get; init; }

    /// <summary>Width inside the feed-forward part of a decoder block.</summary>
    public required int DecoderFfnDim { get; init; }

    /// <summary>The most tokens of a source, and of a target.</summary>
    public int MaxPositionEmbeddings { get; init; } = 1024;

    /// <summary>Activation of the feed-forward parts, a name of <see cref="Activation.Names"/>.</summary>
    public string ActivationFunction { get; init; } = "gelu";

    /// <summary>Whether embeddings are multiplied by the square root of the hidden size.</summary>
    public bool ScaleEmbedding { get; init; }

    /// <summary>Whether the output reuses the embedding.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Probability of dropping a number of what is added to the residual stream in training, and of the embeddings.</summary>
    public double Dropout { get; init; } = 0.1;

    /// <summary>Probability of dropping an attention weight in training.</summary>
    public double AttentionDropout { get; init; }

    /// <summary>Probability of dropping a number after the activation in training.</summary>
    public double ActivationDropout { get; init; }

    /// <summary>Probability of dropping a number before a classifier's layers in training.</summary>
    public double ClassifierDropout { get; init; }

    /// <summary>Probability of leaving an encoder block out in a training step (Fan et al., arXiv 1909.11556).</summary>
    public double EncoderLayerDrop { get; init; }

    /// <summary>Probability of leaving a decoder block out in a training step.</summary>
    public double DecoderLayerDrop { get; init; }

    /// <summary>Standard deviation of new weights. <c>init_std</c> in the file.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Id of the padding token, whose embedding is not trained.</summary>
    public int PadTokenId { get; init; } = 1;

    /// <summary>Id of the token that begins a text.</summary>
    public int? BosTokenId { get; init; } = 0;

    /// <summary>Ids of the tokens that end a text.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [2];

    /// <summary>Id that every target begins with.</summary>
    public int DecoderStartTokenId { get; init; } = 2;

    /// <summary>Names of the classes of a classifier.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>The keys of the file that this was read from; null for a new model.</summary>
    internal JsonObject? Stored { get; init; }

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="InvalidDataException">A key is missing, out of its range or not supported.</exception>
    public static BartConfig From(ConfigJson json)
    {
        ArgumentNullException.ThrowIfNull(json);
        // Switches of the first versions, for the variants that later became families of their own (mBART, Blenderbot, Marian).
        foreach (var (key, supported) in new[] { ("normalize_before", false), ("add_final_layer_norm", false), ("static_position_embeddings", false), ("normalize_embedding", true), ("do_blenderbot_90_layernorm", false) })
        {
            if (json.Bool(key, supported) != supported) throw json.Unsupported(key, supported ? "false" : "true", supported ? "true" : "false");
        }

        var hidden = json.Int("d_model", json.OptionalInt("hidden_size"));
        var eos = json.Ints("eos_token_id");
        var config = new BartConfig
        {
            VocabSize = json.Int("vocab_size"),
            HiddenSize = hidden,
            EncoderLayers = json.Int("encoder_layers", json.OptionalInt("num_hidden_layers") ?? 12, most: ConfigJson.MostLayers),
            EncoderAttentionHeads = json.Int("encoder_attention_heads", json.OptionalInt("num_attention_heads") ?? 16),
            EncoderFfnDim = json.Int("encoder_ffn_dim", 4096),
            DecoderLayers = json.Int("decoder_layers", 12, most: ConfigJson.MostLayers),
            DecoderAttentionHeads = json.Int("decoder_attention_heads", 16),
            DecoderFfnDim = json.Int("decoder_ffn_dim", 4096),
            MaxPositionEmbeddings = json.Int("max_position_embeddings", 1024),
            ActivationFunction = json.String("activation_function", "gelu"),
            ScaleEmbedding = json.Bool("scale_embedding", false),
            TieWordEmbeddings = json.Bool("tie_word_embeddings", true),
            Dropout = json.Double("dropout", 0.1),
            AttentionDropout = json.Double("attention_dropout", 0.0),
            ActivationDropout = json.Double("activation_dropout", 0.0),
            ClassifierDropout = json.Double("classifier_dropout", json.Double("classif_dropout", 0.0)),
            EncoderLayerDrop = json.Double("encoder_layerdrop", 0.0),
            DecoderLayerDrop = json.Double("decoder_layerdrop", 0.0),
            InitializerRange = json.Double("init_std", 0.02),
            PadTokenId = json.Int("pad_token_id", 1, least: 0),
            BosTokenId = json.Root.ContainsKey("bos_token_id") ? json.TokenId("bos_token_id") : 0,
            EosTokenIds = json.Root.ContainsKey("eos_token_id") ? eos : [2],
            DecoderStartTokenId = json.Int("decoder_start_token_id", 2, least: 0),
            Labels = LabelNames.Read(json),
            Stored = json.Root,
        };
        _ = Activation.ByName(config.ActivationFunction, json, "activation_function");
        foreach (var (key, id) in new[] { ("pad_token_id", config.PadTokenId), ("decoder_start_token_id", config.DecoderStartTokenId) })
        {
            if (id >= config.VocabSize) throw json.Fault($"'{key}' ({id}) is not below 'vocab_size' ({config.VocabSize}).");
        }

        foreach (var (key, heads) in new[] { ("encoder_attention_heads", config.EncoderAttentionHeads), ("decoder_attention_heads", config.DecoderAttentionHeads) })
        {
            if (hidden % heads != 0) throw json.Fault($"'d_model' ({hidden}) is not a multiple of '{key}' ({heads}).");
        }

        return config;
    }

    /// <summary>The <c>config.json</c> of this architecture; keys of the file it was read from that nothing here reads are kept.</summary>
    /// <param name="architecture">Name of the class in transformers.</param>
    public JsonObject ToJson(string architecture = "BartForConditionalGeneration")
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(architecture),
            ["model_type"] = ModelType,
            ["is_encoder_decoder"] = true,
            ["vocab_size"] = VocabSize,
            ["d_model"] = HiddenSize,
            ["encoder_layers"] = EncoderLayers,
            ["encoder_attention_heads"] = EncoderAttentionHeads,
            ["encoder_ffn_dim"] = EncoderFfnDim,
            ["decoder_layers"] = DecoderLayers,
            ["decoder_attention_heads"] = DecoderAttentionHeads,
            ["decoder_ffn_dim"] = DecoderFfnDim,
            ["max_position_embeddings"] = MaxPositionEmbeddings,
            ["activation_function"] = ActivationFunction,
            ["scale_embedding"] = ScaleEmbedding,
            ["tie_word_embeddings"] = TieWordEmbeddings,
            ["dropout"] = Dropout,
            ["attention_dropout"] = AttentionDropout,
            ["activation_dropout"] = ActivationDropout,
            ["classifier_dropout"] = ClassifierDropout,
            ["encoder_layerdrop"] = EncoderLayerDrop,
            ["decoder_layerdrop"] = DecoderLayerDrop,
            ["init_std"] = InitializerRange,
            ["pad_token_id"] = PadTokenId,
            ["bos_token_id"] = BosTokenId,
            ["eos_token_id"] = TokenIds(EosTokenIds),
            ["decoder_start_token_id"] = DecoderStartTokenId,
        };
        LabelNames.Write(json, Labels);
        return ConfigJson.Extended(json, Stored);
    }

    /// <summary>Ids as configurations write them: null for none, a number for one.</summary>
    internal static JsonNode? TokenIds(IReadOnlyList<int> ids) => ids.Count switch
    {
        0 => null,
        1 => ids[0],
        _ => new JsonArray([.. ids.Select(id => (JsonNode)id)]),
    };
}
