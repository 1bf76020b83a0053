using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>Architecture of a T5 model; the properties mirror <c>config.json</c> (Raffel et al., arXiv 1910.10683; layout of transformers' <c>T5ForConditionalGeneration</c>).</summary>
public sealed record T5Config
{
    /// <summary>Value of <c>model_type</c>.</summary>
    public const string ModelType = "t5";

    // A table of the buckets of all distances is kept.
    private const int MostDistance = 1_000_000;

    /// <summary>Rows of the embedding that encoder and decoder share.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream. <c>d_model</c> in the file.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Numbers of a head. <c>d_kv</c> in the file; times the heads it need not be the hidden size.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Width inside the feed-forward part. <c>d_ff</c> in the file.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Blocks of the encoder. <c>num_layers</c> in the file.</summary>
    public required int EncoderLayers { get; init; }

    /// <summary>Blocks of the decoder. <c>num_decoder_layers</c> in the file, as many as the encoder has where that is null.</summary>
    public required int DecoderLayers { get; init; }

    /// <summary>Attention heads of a block.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Kinds of distances that attention tells apart, at least 4.</summary>
    public int RelativeAttentionNumBuckets { get; init; } = 32;

    /// <summary>Distance from which on all are one kind, more than half the buckets.</summary>
    public int RelativeAttentionMaxDistance { get; init; } = 128;

    /// <summary>Activation of the feed-forward part, a name of <see cref="Activation.Names"/>, after <c>gated-</c> when it is multiplied by a second layer's output. <c>gated-gelu</c> means <c>gelu_new</c>.</summary>
    public string FeedForwardProjection { get; init; } = "relu";

    /// <summary>Whether the output reuses the embedding.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Whether hidden states are divided by the square root of the hidden size before the output layer.</summary>
    public bool ScaleDecoderOutputs { get; init; } = true;

    /// <summary>Added to the mean square in normalisation.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-6;

    /// <summary>Every dropout probability in training.</summary>
    public double DropoutRate { get; init; } = 0.1;

    /// <summary>Scale of new weights.</summary>
    public double InitializerFactor { get; init; } = 1;

    /// <summary>Id of the padding token.</summary>
    public int PadTokenId { get; init; }

    /// <summary>Ids of the tokens that end a text.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [1];

    /// <summary>Id that every target begins with.</summary>
    public int DecoderStartTokenId { get; init; }

    /// <summary>What texts are cut to where nothing else is said. Relative positions set no bound, so longer ones are computed as well.</summary>
    public int MaxLength { get; init; } = 4096;

    /// <summary>Whether the activation is multiplied by a second layer's output.</summary>
    public bool IsGated => FeedForwardProjection.StartsWith("gated-", StringComparison.Ordinal);

    /// <summary>The activation alone, a name of <see cref="Activation.Names"/>.</summary>
    public string ActivationFunction => FeedForwardProjection switch
    {
        "gated-gelu" => "gelu_new",
        _ => IsGated ? FeedForwardProjection["gated-".Length..] : FeedForwardProjection,
    };

    /// <summary>The keys of the file that this was read from; null for a new model.</summary>
    internal JsonObject? Stored { get; init; }

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="InvalidDataException">A key is missing, out of its range or not supported.</exception>
    public static T5Config From(ConfigJson json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var layers = json.Int("num_layers", json.OptionalInt("num_hidden_layers") ?? 6, most: ConfigJson.MostLayers);
        var padding = json.Int("pad_token_id", 0, least: 0);
        var tied = json.Bool("tie_word_embeddings", true);
        var config = new T5Config
        {
            VocabSize = json.Int("vocab_size"),
            HiddenSize = json.Int("d_model", json.OptionalInt("hidden_size")),
            HeadDim = json.Int("d_kv", 64),
            IntermediateSize = json.Int("d_ff", 2048),
            EncoderLayers = layers,
            DecoderLayers = json.Int("num_decoder_layers", layers, most: ConfigJson.MostLayers),
            HeadCount = json.Int("num_heads", json.OptionalInt("num_attention_heads") ?? 8),
            RelativeAttentionNumBuckets = json.Int("relative_attention_num_buckets", 32, least: 4),
            RelativeAttentionMaxDistance = json.Int("relative_attention_max_distance", 128, most: MostDistance),
            FeedForwardProjection = json.String("feed_forward_proj", "relu"),
            TieWordEmbeddings = tied,
            // Files of before transformers 5 say it with the tied output: T5 1.1 has another one, and does not scale.
            ScaleDecoderOutputs = json.Bool("scale_decoder_outputs", tied),
            LayerNormEpsilon = json.Double("layer_norm_epsilon", 1e-6),
            DropoutRate = json.Double("dropout_rate", 0.1),
            InitializerFactor = json.Double("initializer_factor", 1),
            PadTokenId = padding,
            EosTokenIds = json.Root.ContainsKey("eos_token_id") ? json.Ints("eos_token_id") : [1],
            DecoderStartTokenId = json.Int("decoder_start_token_id", padding, least: 0),
            Stored = json.Root,
        };
        _ = Activation.ByName(config.ActivationFunction, json, "feed_forward_proj");
        foreach (var (key, id) in new[] { ("pad_token_id", config.PadTokenId), ("decoder_start_token_id", config.DecoderStartTokenId) })
        {
            if (id >= config.VocabSize) throw json.Fault($"'{key}' ({id}) is not below 'vocab_size' ({config.VocabSize}).");
        }

        return config.RelativeAttentionMaxDistance > config.RelativeAttentionNumBuckets / 2
            ? config
            : throw json.Fault($"'relative_attention_max_distance' ({config.RelativeAttentionMaxDistance}) must be more than half of 'relative_attention_num_buckets' ({config.RelativeAttentionNumBuckets}).");
    }

    /// <summary>The <c>config.json</c> of this architecture; keys of the file it was read from that nothing here reads are kept.</summary>
    public JsonObject ToJson() => ConfigJson.Extended(
        new JsonObject
        {
            ["architectures"] = new JsonArray("T5ForConditionalGeneration"),
            ["model_type"] = ModelType,
            ["is_encoder_decoder"] = true,
            ["vocab_size"] = VocabSize,
            ["d_model"] = HiddenSize,
            ["d_kv"] = HeadDim,
            ["d_ff"] = IntermediateSize,
            ["num_layers"] = EncoderLayers,
            ["num_decoder_layers"] = DecoderLayers,
            ["num_heads"] = HeadCount,
            ["relative_attention_num_buckets"] = RelativeAttentionNumBuckets,
            ["relative_attention_max_distance"] = RelativeAttentionMaxDistance,
            ["feed_forward_proj"] = FeedForwardProjection,
            ["tie_word_embeddings"] = TieWordEmbeddings,
            ["scale_decoder_outputs"] = ScaleDecoderOutputs,
            ["layer_norm_epsilon"] = LayerNormEpsilon,
            ["dropout_rate"] = DropoutRate,
            ["initializer_factor"] = InitializerFactor,
            ["pad_token_id"] = PadTokenId,
            ["eos_token_id"] = BartConfig.TokenIds(EosTokenIds),
            ["decoder_start_token_id"] = DecoderStartTokenId,
        },
        Stored);
}
