using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>Architecture of Llama and the families built like it; the properties mirror <c>config.json</c> (Touvron et al., arXiv 2302.13971; layout of transformers' <c>LlamaForCausalLM</c>).</summary>
/// <remarks>Mistral, Qwen2 and Qwen3 differ in what their files leave unsaid: see <see cref="MistralForCausalLM"/>, <see cref="Qwen2ForCausalLM"/>, <see cref="Qwen3ForCausalLM"/>.</remarks>
public sealed record LlamaConfig
{
    /// <summary>Value of <c>model_type</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>Name of the causal model's class in transformers.</summary>
    public required string Architecture { get; init; }

    /// <summary>Rows of the embedding.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Blocks.</summary>
    public required int NumHiddenLayers { get; init; }

    /// <summary>Query heads of a block, a multiple of <see cref="NumKeyValueHeads"/>.</summary>
    public required int NumAttentionHeads { get; init; }

    /// <summary>Heads of keys and values.</summary>
    public required int NumKeyValueHeads { get; init; }

    /// <summary>Numbers of a head, even.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Width inside the feed-forward part.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Activation of the feed-forward part, a name of <see cref="Activation.Names"/>.</summary>
    public string HiddenAct { get; init; } = "silu";

    /// <summary>Base and scaling of the rotary positions.</summary>
    public required RopeParameters Rope { get; init; }

    /// <summary>Positions as configured.</summary>
    public int MaxPositionEmbeddings { get; init; } = 2048;

    /// <summary>Added to the mean square in normalisation.</summary>
    public double RmsNormEps { get; init; } = 1e-6;

    /// <summary>Whether the output reuses the embedding.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>Whether queries, keys and values have biases.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>Whether the attention's output layer has a bias.</summary>
    public bool AttentionOutputBias { get; init; }

    /// <summary>Whether the feed-forward layers have biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>Whether every head of queries and keys is normalised before it is rotated (Qwen3).</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>How many tokens a token sees in a block of <see cref="SlidingLayers"/>, itself included; null for all before it.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Which blocks have the window; null for all when there is one.</summary>
    public IReadOnlyList<bool>? SlidingLayers { get; init; }

    /// <summary>Probability of dropping an attention weight in training.</summary>
    public double AttentionDropout { get; init; }

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

    /// <summary>The most tokens of a row: the configured positions, or what scaling makes of the trained ones.</summary>
    public int MaxLength => (int)Math.Max(MaxPositionEmbeddings, Rope.Factor * Rope.OriginalMaxPositionEmbeddings);

    /// <summary>Reads what the files of all these families say in the same way, with the newer keys (<c>rope_parameters</c>) or the older (<c>rope_theta</c>, <c>rope_scaling</c>).</summary>
    /// <param name="json">The configuration.</param>
    /// <param name="architecture">Name of the causal model's class in transformers.</param>
    /// <param name="defaultHeadDim">Numbers of a head when the file does not say; null for <c>hidden_size</c> / <c>num_attention_heads</c>.</param>
    /// <param name="defaultPositions">Positions when the file does not say.</param>
    /// <exception cref="InvalidDataException">A key is missing, out of its range or not supported.</exception>
    internal static LlamaConfig From(ConfigJson json, string architecture, int? defaultHeadDim = null, int defaultPositions = 2048)
    {
        ArgumentNullException.ThrowIfNull(json);
        var hidden = json.Int("hidden_size");
        var heads = json.Int("num_attention_heads");
        var positions = json.Int("max_position_embeddings", defaultPositions);
        var config = new LlamaConfig
        {
            ModelType = json.String("model_type"),
            Architecture = architecture,
            VocabSize = json.Int("vocab_size"),
            HiddenSize = hidden,
            NumHiddenLayers = json.Int("num_hidden_layers", most: ConfigJson.MostLayers),
            NumAttentionHeads = heads,
            NumKeyValueHeads = json.Int("num_key_value_heads", heads),
            HeadDim = json.Int("head_dim", defaultHeadDim ?? hidden / heads),
            IntermediateSize = json.Int("intermediate_size"),
            HiddenAct = json.String("hidden_act", "silu"),
            Rope = RopeParameters.From(json, positions),
            MaxPositionEmbeddings = positions,
            RmsNormEps = json.Double("rms_norm_eps", 1e-6),
            TieWordEmbeddings = json.Bool("tie_word_embeddings", false),
            AttentionDropout = json.Double("attention_dropout", 0),
            InitializerRange = json.Double("initializer_range", 0.02),
            BosTokenId = json.OptionalInt("bos_token_id"),
            EosTokenId = json.OptionalInt("eos_token_id"),
            PadTokenId = json.TokenId("pad_token_id"),
            Stored = json.Root,
        };
        _ = Activation.ByName(config.HiddenAct, json);
        if (heads % config.NumKeyValueHeads != 0)
        {
            throw json.Fault($"'num_attention_heads' ({heads}) is not a multiple of 'num_key_value_heads' ({config.NumKeyValueHeads}).");
        }

        if (defaultHeadDim is null && !json.Has("head_dim") && hidden % heads != 0)
        {
            throw json.Fault($"'hidden_size' ({hidden}) is not a multiple of 'num_attention_heads' ({heads}), and there is no 'head_dim'.");
        }

        if (config.HeadDim % 2 != 0)
        {
            throw json.Fault($"a head has {config.HeadDim} numbers; expected an even number, since they are rotated in pairs.");
        }

        if (json.Section("rope_parameters") is { } rope && rope.Double("partial_rotary_factor", 1) != 1)
        {
            throw json.Unsupported("partial_rotary_factor", rope.Double("partial_rotary_factor").ToString(System.Globalization.CultureInfo.InvariantCulture), "1 in this family");
        }

        return config;
    }

    /// <summary>Which blocks have a window, by <c>layer_types</c>, or all from a block on.</summary>
    /// <param name="json">The configuration.</param>
    /// <param name="layers">Number of blocks.</param>
    /// <param name="firstSliding">The first block with a window when the file lists none.</param>
    internal static IReadOnlyList<bool> WindowsOf(ConfigJson json, int layers, int firstSliding)
    {
        if (json.Strings("layer_types") is not { } types) return [.. Enumerable.Range(0, layers).Select(i => i >= firstSliding)];
        if (types.Count != layers) throw json.Fault($"'layer_types' has {types.Count} entries for {layers} layers.");
        return [.. types.Select(type => type switch
        {
            "sliding_attention" => true,
            "full_attention" => false,
            _ => throw json.Unsupported("layer_types", type, "full_attention, sliding_attention"),
        })];
    }

    /// <summary>The <c>config.json</c> of this architecture; keys of the file it was read from that nothing here reads are kept.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(Architecture),
            ["model_type"] = ModelType,
            ["vocab_size"] = VocabSize,
            ["hidden_size"] = HiddenSize,
            ["num_hidden_layers"] = NumHiddenLayers,
            ["num_attention_heads"] = NumAttentionHeads,
            ["num_key_value_heads"] = NumKeyValueHeads,
            ["head_dim"] = HeadDim,
            ["intermediate_size"] = IntermediateSize,
            ["hidden_act"] = HiddenAct,
            ["max_position_embeddings"] = MaxPositionEmbeddings,
            ["rms_norm_eps"] = RmsNormEps,
            ["tie_word_embeddings"] = TieWordEmbeddings,
            ["attention_dropout"] = AttentionDropout,
            ["initializer_range"] = InitializerRange,
            ["bos_token_id"] = BosTokenId,
            ["eos_token_id"] = EosTokenId,
            ["pad_token_id"] = PadTokenId,
        };
        if (ModelType is "llama" or "qwen3") json["attention_bias"] = QueryKeyValueBias;
        if (ModelType == "llama") json["mlp_bias"] = MlpBias;
        if (ModelType == "mistral") json["sliding_window"] = SlidingWindow;
        if (SlidingLayers is not null)
        {
            json["use_sliding_window"] = true;
            json["sliding_window"] = SlidingWindow;
            json["layer_types"] = new JsonArray([.. SlidingLayers.Select(sliding => JsonValue.Create(sliding ? "sliding_attention" : "full_attention"))]);
        }

        Rope.Write(json);
        return ConfigJson.Extended(json, Stored);
    }
}
