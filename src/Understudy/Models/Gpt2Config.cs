using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>Architecture of a GPT-2 model; the properties mirror <c>config.json</c> (Radford et al., 2019; layout of transformers' <c>GPT2LMHeadModel</c>).</summary>
public sealed record Gpt2Config
{
    /// <summary>Value of <c>model_type</c>.</summary>
    public const string ModelType = "gpt2";

    /// <summary>Rows of the embedding.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream; a multiple of <see cref="HeadCount"/>. <c>n_embd</c> in the file.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Blocks. <c>n_layer</c> in the file.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Attention heads of a block. <c>n_head</c> in the file.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Width inside the feed-forward part. <c>n_inner</c> in the file, four times the hidden size where that is null.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Rows of the position embedding: the most tokens of a row. <c>n_positions</c>, in older files <c>n_ctx</c>.</summary>
    public int PositionCount { get; init; } = 1024;

    /// <summary>Activation of the feed-forward part, a name of <see cref="Activation.Names"/>.</summary>
    public string ActivationFunction { get; init; } = "gelu_new";

    /// <summary>Added to the variance in layer normalisation.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether scores are divided by the square root of a head's width.</summary>
    public bool ScaleAttentionWeights { get; init; } = true;

    /// <summary>Whether scores are divided by the number of the block, from 1, as well.</summary>
    public bool ScaleByInverseLayer { get; init; }

    /// <summary>Whether the output reuses the embedding.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Probability of dropping a number of the embedding's output in training.</summary>
    public double EmbeddingDropout { get; init; } = 0.1;

    /// <summary>Probability of dropping an attention weight in training.</summary>
    public double AttentionDropout { get; init; } = 0.1;

    /// <summary>Probability of dropping a number of what is added to the residual stream in training.</summary>
    public double ResidualDropout { get; init; } = 0.1;

    /// <summary>Standard deviation of new weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Id of the token that begins a text.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Id of the token that ends a text.</summary>
    public int? EosTokenId { get; init; }

    /// <summary>Id of the padding token, where there is one.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>The keys of the file that this was read from; null for a new model.</summary>
    internal JsonObject? Stored { get; init; }

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <exception cref="InvalidDataException">A key is missing, out of its range or not supported.</exception>
    public static Gpt2Config From(ConfigJson json)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (json.Bool("add_cross_attention", false)) throw json.Fault("this is the decoder of a larger model ('add_cross_attention' is true); only GPT-2 alone is supported.");
        var hidden = json.Int("n_embd", json.OptionalInt("hidden_size"));
        var config = new Gpt2Config
        {
            VocabSize = json.Int("vocab_size"),
            HiddenSize = hidden,
            LayerCount = json.Int("n_layer", json.OptionalInt("num_hidden_layers"), most: ConfigJson.MostLayers),
            HeadCount = json.Int("n_head", json.OptionalInt("num_attention_heads")),
            IntermediateSize = json.Int("n_inner", 4 * hidden),
            PositionCount = json.Int("n_positions", json.OptionalInt("n_ctx") ?? json.OptionalInt("max_position_embeddings") ?? 1024),
            ActivationFunction = json.String("activation_function", "gelu_new"),
            LayerNormEpsilon = json.Double("layer_norm_epsilon", 1e-5),
            ScaleAttentionWeights = json.Bool("scale_attn_weights", true),
            ScaleByInverseLayer = json.Bool("scale_attn_by_inverse_layer_idx", false),
            TieWordEmbeddings = json.Bool("tie_word_embeddings", true),
            EmbeddingDropout = json.Double("embd_pdrop", 0.1),
            AttentionDropout = json.Double("attn_pdrop", 0.1),
            ResidualDropout = json.Double("resid_pdrop", 0.1),
            InitializerRange = json.Double("initializer_range", 0.02),
            BosTokenId = json.OptionalInt("bos_token_id"),
            EosTokenId = json.OptionalInt("eos_token_id"),
            PadTokenId = json.TokenId("pad_token_id"),
            Stored = json.Root,
        };
        _ = Activation.ByName(config.ActivationFunction, json, "activation_function");
        return config.HiddenSize % config.HeadCount == 0
            ? config
            : throw json.Fault($"'n_embd' ({config.HiddenSize}) is not a multiple of 'n_head' ({config.HeadCount}).");
    }

    /// <summary>The <c>config.json</c> of this architecture; keys of the file it was read from that nothing here reads are kept.</summary>
    public JsonObject ToJson() => ConfigJson.Extended(
        new JsonObject
        {
            ["architectures"] = new JsonArray("GPT2LMHeadModel"),
            ["model_type"] = ModelType,
            ["vocab_size"] = VocabSize,
            ["n_embd"] = HiddenSize,
            ["n_layer"] = LayerCount,
            ["n_head"] = HeadCount,
            ["n_inner"] = IntermediateSize,
            ["n_positions"] = PositionCount,
            ["activation_function"] = ActivationFunction,
            ["layer_norm_epsilon"] = LayerNormEpsilon,
            ["scale_attn_weights"] = ScaleAttentionWeights,
            ["scale_attn_by_inverse_layer_idx"] = ScaleByInverseLayer,
            ["tie_word_embeddings"] = TieWordEmbeddings,
            ["embd_pdrop"] = EmbeddingDropout,
            ["attn_pdrop"] = AttentionDropout,
            ["resid_pdrop"] = ResidualDropout,
            ["initializer_range"] = InitializerRange,
            ["bos_token_id"] = BosTokenId,
            ["eos_token_id"] = EosTokenId,
            ["pad_token_id"] = PadTokenId,
        },
        Stored);
}
