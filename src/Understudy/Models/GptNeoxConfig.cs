using System.Text.Json.Nodes;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Architecture of a GPT-NeoX model; the properties mirror <c>config.json</c> (Black et al., arXiv 2204.06745).</summary>
public sealed record GptNeoxConfig
{
    /// <summary>Value of <c>model_type</c>.</summary>
    public const string ModelType = "gpt_neox";

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

    /// <summary>Activation of the feed-forward part, a name of <see cref="Activation.Names"/>.</summary>
    public string HiddenAct { get; init; } = "gelu";

    /// <summary>Share of a head that is rotated, from 0 to 1.</summary>
    public double RotaryPct { get; init; } = 0.25;

    /// <summary>Base and scaling of the rotary positions.</summary>
    public RopeParameters Rope { get; init; } = new();

    /// <summary>The most tokens of a row.</summary>
    public int MaxPositionEmbeddings { get; init; } = 2048;

    /// <summary>Added to the variance in layer normalisation.</summary>
    public double LayerNormEps { get; init; } = 1e-5;

    /// <summary>Whether attention and feed-forward read the same input and are added together, instead of one after the other.</summary>
    public bool UseParallelResidual { get; init; } = true;

    /// <summary>Whether the output reuses the embedding.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>Whether the attention's linear layers have biases.</summary>
    public bool AttentionBias { get; init; } = true;

    /// <summary>Probability of dropping an attention weight in training.</summary>
    public double AttentionDropout { get; init; }

    /// <summary>Probability of dropping a number of a block's output in training.</summary>
    public double HiddenDropout { get; init; }

    /// <summary>Standard deviation of new weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Id of the token that begins a text.</summary>
    public int? BosTokenId { get; init; } = 0;

    /// <summary>Id of the token that ends a text.</summary>
    public int? EosTokenId { get; init; } = 0;

    /// <summary>Id of the padding token, where there is one.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>Type that the rotary frequencies are rounded to. A model that was converted as a whole (<c>model.half()</c>) has rounded ones; one that was loaded from a 16-bit checkpoint has not.</summary>
    public ScalarType RotaryFrequencyType { get; init; } = ScalarType.Float32;

    /// <summary>The keys of the file that this was read from; null for a new model.</summary>
    internal JsonObject? Stored { get; init; }

    /// <summary>The most tokens of a row: the configured positions, or what scaling makes of the trained ones.</summary>
    public int MaxLength => (int)Math.Max(MaxPositionEmbeddings, Rope.Factor * Rope.OriginalMaxPositionEmbeddings);

    /// <summary>Numbers of a head.</summary>
    public int HeadDim => HiddenSize / NumAttentionHeads;

    /// <summary>The rotary dimensions as configured. When this is odd, the reference rotates one number more: frequencies come in pairs.</summary>
    public int RotaryDimensions => (int)(HeadDim * RotaryPct);

    /// <summary>Reads a <c>config.json</c>, with the newer keys (<c>rope_parameters</c>, <c>dtype</c>) or the older (<c>rotary_pct</c>, <c>rotary_emb_base</c>, <c>torch_dtype</c>).</summary>
    /// <exception cref="InvalidDataException">A key is missing, out of its range or not supported.</exception>
    public static GptNeoxConfig From(ConfigJson json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var stored = json.Section("rope_parameters") ?? json.Section("rope_scaling");
        var positions = json.Int("max_position_embeddings", 2048);
        var hidden = json.Int("hidden_size");
        var config = new GptNeoxConfig
        {
            VocabSize = json.Int("vocab_size"),
            HiddenSize = hidden,
            NumHiddenLayers = json.Int("num_hidden_layers", most: ConfigJson.MostLayers),
            NumAttentionHeads = json.Int("num_attention_heads"),
            IntermediateSize = json.Int("intermediate_size", 4 * hidden),
            HiddenAct = json.String("hidden_act", "gelu"),
            RotaryPct = stored?.Has("partial_rotary_factor") == true ? stored.Double("partial_rotary_factor") : json.Double("rotary_pct", json.Double("partial_rotary_factor", 0.25)),
            Rope = RopeParameters.From(json, positions, json.Double("rotary_emb_base", 10000)),
            MaxPositionEmbeddings = positions,
            LayerNormEps = json.Double("layer_norm_eps", 1e-5),
            UseParallelResidual = json.Bool("use_parallel_residual", true),
            TieWordEmbeddings = json.Bool("tie_word_embeddings", false),
            AttentionBias = json.Bool("attention_bias", true),
            AttentionDropout = json.Double("attention_dropout", 0),
            HiddenDropout = json.Double("hidden_dropout", 0),
            InitializerRange = json.Double("initializer_range", 0.02),
            BosTokenId = json.OptionalInt("bos_token_id"),
            EosTokenId = json.OptionalInt("eos_token_id"),
            PadTokenId = json.TokenId("pad_token_id"),
            Stored = json.Root,
        };
        _ = Activation.ByName(config.HiddenAct, json);
        if (config.HiddenSize % config.NumAttentionHeads != 0)
        {
            throw json.Fault($"'hidden_size' ({config.HiddenSize}) is not a multiple of 'num_attention_heads' ({config.NumAttentionHeads}).");
        }

        if (config.RotaryPct is < 0 or > 1 || (config.RotaryDimensions + 1) / 2 * 2 > config.HeadDim)
        {
            throw json.Fault($"the rotary share {config.RotaryPct} of a head of {config.HeadDim} is {config.RotaryDimensions} numbers, which are rotated in pairs; expected at most {config.HeadDim / 2 * 2}.");
        }

        return config;
    }

    /// <summary>The <c>config.json</c> of this architecture, with the older and the newer rotary keys so that every version of transformers reads it.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray("GPTNeoXForCausalLM"),
            ["model_type"] = ModelType,
            ["vocab_size"] = VocabSize,
            ["hidden_size"] = HiddenSize,
            ["num_hidden_layers"] = NumHiddenLayers,
            ["num_attention_heads"] = NumAttentionHeads,
            ["intermediate_size"] = IntermediateSize,
            ["hidden_act"] = HiddenAct,
            ["rotary_pct"] = RotaryPct,
            ["rotary_emb_base"] = Rope.Theta,
            ["max_position_embeddings"] = MaxPositionEmbeddings,
            ["layer_norm_eps"] = LayerNormEps,
            ["use_parallel_residual"] = UseParallelResidual,
            ["tie_word_embeddings"] = TieWordEmbeddings,
            ["attention_bias"] = AttentionBias,
            ["attention_dropout"] = AttentionDropout,
            ["hidden_dropout"] = HiddenDropout,
            ["initializer_range"] = InitializerRange,
            ["bos_token_id"] = BosTokenId,
            ["eos_token_id"] = EosTokenId,
            ["pad_token_id"] = PadTokenId,
        };
        Rope.Write(json);
        json["rope_parameters"]!["partial_rotary_factor"] = RotaryPct;
        return ConfigJson.Extended(json, Stored);
    }
}
