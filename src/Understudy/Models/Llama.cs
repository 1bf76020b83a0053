using System.Text.Json.Nodes;
using Understudy.Torch;
using static Understudy.Torch.nn;

namespace Understudy.Models;

/// <summary>Llama and the families built like it, with a language-model head (Touvron et al., arXiv 2302.13971; layout of transformers' <c>LlamaForCausalLM</c>).</summary>
public sealed class LlamaForCausalLM : ICausalLanguageModel, IStepBody
{
    private readonly Embedding embedding;
    private readonly Block[] blocks;
    private readonly RmsNorm finalNorm;
    private readonly Linear? head;
    private readonly RotaryEmbedding rotary;

    /// <summary>Builds the model from a source of weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="source">A checkpoint or new weights.</param>
    /// <param name="device">Where the source puts the weights; the CPU when null.</param>
    /// <param name="withHead">Whether it has an output layer; a classifier's body has none.</param>
    public LlamaForCausalLM(LlamaConfig config, IParameterSource source, Device? device = null, bool withHead = true)
    {
        Config = config;
        var act = Activation.GatedByName(config.HiddenAct, new ConfigJson(config.ToJson(), ConfigJson.FileName));
        var record = new RecordingSource(source);
        embedding = Embedding.Take(record, "model.embed_tokens", config.VocabSize, config.HiddenSize);
        blocks = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(i => new Block(config, record, act, i))];
        finalNorm = RmsNorm.Take(record, "model.norm", config.HiddenSize, config.RmsNormEps);
        head = !withHead ? null
            : config.TieWordEmbeddings ? Linear.Tied(record, "lm_head", embedding.Weight)
            : Linear.Take(record, "lm_head", config.HiddenSize, config.VocabSize, bias: false, isHead: true);
        rotary = new RotaryEmbedding(config.Rope, config.HeadDim, device ?? Device.CPU);
        Parameters = record.Taken;
        Linears = record.Linears;
    }

    /// <summary>The architecture.</summary>
    public LlamaConfig Config { get; }

    /// <inheritdoc/>
    public IReadOnlyList<NamedParameter> Parameters { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Linear> Linears { get; }

    /// <inheritdoc/>
    public bool Training { get; set; }

    /// <inheritdoc/>
    public double? Dropout { get; set; }

    /// <inheritdoc/>
    public bool GradientCheckpointing { get; set; }

    /// <inheritdoc/>
    public int MaxLength => Config.MaxLength;

    /// <inheritdoc/>
    public int VocabularySize => Config.VocabSize;

    /// <inheritdoc/>
    public int HiddenSize => Config.HiddenSize;

    /// <summary>How Llama's folders are read.</summary>
    internal static ModelFamily Family { get; } = FamilyOf("llama", json => LlamaConfig.From(json, "LlamaForCausalLM") with
    {
        QueryKeyValueBias = json.Bool("attention_bias", false),
        AttentionOutputBias = json.Bool("attention_bias", false),
        MlpBias = json.Bool("mlp_bias", false),
    });

    /// <summary>A family whose models are built like Llama.</summary>
    /// <param name="modelType">Value of <c>model_type</c>.</param>
    /// <param name="read">Reads its configuration.</param>
    internal static ModelFamily FamilyOf(string modelType, Func<ConfigJson, LlamaConfig> read) => new(modelType, "model.")
    {
        HeadPrefixes = ["lm_head.", "score."],
        CausalLanguageModel = json =>
        {
            var config = read(json);
            return (source, device) => new LlamaForCausalLM(config, source, device);
        },
        SequenceClassifier = (json, labels) =>
        {
            var config = read(json);
            var architecture = config.Architecture.Replace("ForCausalLM", "ForSequenceClassification", StringComparison.Ordinal);
            return (source, device) => new CausalSequenceClassifier(architecture, record => new LlamaForCausalLM(config, record, device, withHead: false), labels, config.PadTokenId ?? config.EosTokenId, source);
        },
    };

    /// <inheritdoc/>
    public JsonObject ToConfigJson() => Config.ToJson();

    /// <inheritdoc/>
    public KeyValueCache NewCache(int batch, int capacity) => new(blocks.Length, batch, capacity);

    /// <inheritdoc/>
    public Tensor Hidden(Tensor inputIds, Tensor? attentionMask = null, KeyValueCache? cache = null, IList<Tensor>? hiddenStates = null, Tensor? positionIds = null)
    {
        var past = cache?.Length ?? 0;
        var tokens = inputIds.size(1);
        using var scope = torch.NewDisposeScope();
        var windowed = Config.SlidingWindow < past + tokens;
        var input = CausalInput.Prepare(this, "max_position_embeddings", inputIds, attentionMask, cache, positionIds, keepsPadding: windowed || hiddenStates is not null);
        var window = windowed ? new AttentionPattern(AttentionMasks.Causal(attentionMask, tokens, past + tokens, inputIds.device, Config.SlidingWindow, input.Positions)) : input.Pattern;
        var (cosine, sine) = rotary.At(input.Positions, past, tokens, counted: positionIds is null);
        var step = new Step(input.Pattern, window, cosine, sine, cache, Training ? Dropout ?? Config.AttentionDropout : 0);

        var x = embedding.forward(input.Ids);   // [batch, tokens, hidden]
        foreach (var block in blocks)
        {
            hiddenStates?.Add(scope.MoveToOuter(x));
            x = Blocks.Run(GradientCheckpointing && Training, x, states => block.forward(states, step));
        }

        x = finalNorm.forward(x);
        hiddenStates?.Add(x);
        cache?.Advance((int)tokens);
        return scope.MoveToOuter(input.Restore(x));
    }

    /// <inheritdoc/>
    public Prelogits Prelogits(Tensor hidden) => new(hidden, head ?? throw CausalInput.NoHead());

    /// <inheritdoc/>
    public Tensor Logits(Tensor hidden) => Prelogits(hidden).Logits();

    /// <inheritdoc/>
    public void Dispose()
    {
        rotary.Dispose();
        ModelTensors.Free(this);
    }

    StepShape IStepModel.StepShape => new(blocks.Length, Config.NumKeyValueHeads, Config.HeadDim);

    string? IStepModel.StepObstacle => HiddenObstacle ?? (head is null ? "no output layer" : null);

    int IStepModel.StepOutputs => Config.VocabSize;

    string? IStepBody.HiddenObstacle => HiddenObstacle;

    private string? HiddenObstacle => Activation.StepByName(Config.HiddenAct) is null ? $"the activation {Config.HiddenAct}" : !rotary.IsFixed ? "dynamic rotary positions" : null;

    void IStepModel.Build(StepBuilder step) => step.Output(BuildHidden(step), head!);

    StepValue IStepBody.BuildHidden(StepBuilder step) => BuildHidden(step);

    private StepValue BuildHidden(StepBuilder step)
    {
        var x = step.Embed(embedding);
        foreach (var block in blocks) x = block.Build(step, x, rotary, isLast: block == blocks[^1]);
        return step.Norm(finalNorm, x);
    }

    private sealed record Step(AttentionPattern Pattern, AttentionPattern WindowPattern, Tensor Cosine, Tensor Sine, KeyValueCache? Cache, double AttentionDropout);

    private sealed class Block
    {
        private readonly int layer;
        private readonly int heads;
        private readonly int keyHeads;
        private readonly int headDim;
        private readonly int? window;
        private readonly RmsNorm inputNorm;
        private readonly RmsNorm postAttentionNorm;
        private readonly Linear query;
        private readonly Linear key;
        private readonly Linear value;
        private readonly Linear output;
        private readonly RmsNorm? queryNorm;
        private readonly RmsNorm? keyNorm;
        private readonly Linear gate;
        private readonly Linear up;
        private readonly Linear down;
        private readonly Func<Tensor, Tensor?, Tensor> act;
        private readonly StepActivation stepAct;

        internal Block(LlamaConfig config, IParameterSource source, Func<Tensor, Tensor?, Tensor> act, int layer)
        {
            this.layer = layer;
            this.act = act;
            stepAct = Activation.StepByName(config.HiddenAct) ?? StepActivation.None;
            (heads, keyHeads, headDim) = (config.NumAttentionHeads, config.NumKeyValueHeads, config.HeadDim);
            window = config.SlidingLayers?[layer] ?? true ? config.SlidingWindow : null;
            var name = $"model.layers.{layer}";
            var (hidden, keyWidth) = (config.HiddenSize, config.NumKeyValueHeads * headDim);
            inputNorm = RmsNorm.Take(source, $"{name}.input_layernorm", hidden, config.RmsNormEps);
            postAttentionNorm = RmsNorm.Take(source, $"{name}.post_attention_layernorm", hidden, config.RmsNormEps);
            query = Linear.Take(source, $"{name}.self_attn.q_proj", hidden, config.NumAttentionHeads * headDim, config.QueryKeyValueBias);
            key = Linear.Take(source, $"{name}.self_attn.k_proj", hidden, keyWidth, config.QueryKeyValueBias);
            value = Linear.Take(source, $"{name}.self_attn.v_proj", hidden, keyWidth, config.QueryKeyValueBias);
            output = Linear.Take(source, $"{name}.self_attn.o_proj", config.NumAttentionHeads * headDim, hidden, config.AttentionOutputBias);
            if (config.QueryKeyNorm)
            {
                queryNorm = RmsNorm.Take(source, $"{name}.self_attn.q_norm", headDim, config.RmsNormEps);
                keyNorm = RmsNorm.Take(source, $"{name}.self_attn.k_norm", headDim, config.RmsNormEps);
            }

            gate = Linear.Take(source, $"{name}.mlp.gate_proj", hidden, config.IntermediateSize, config.MlpBias);
            up = Linear.Take(source, $"{name}.mlp.up_proj", hidden, config.IntermediateSize, config.MlpBias);
            down = Linear.Take(source, $"{name}.mlp.down_proj", config.IntermediateSize, hidden, config.MlpBias);
        }

        internal Tensor forward(Tensor x, Step step)
        {
            using var scope = torch.NewDisposeScope();
            var (residual, inner) = inputNorm.Branch(x);
            (residual, inner) = postAttentionNorm.Branch(functional.dropout_add(residual, Attend(inner, step)));
            var wide = Linear.Together(inner, gate, up);
            return scope.MoveToOuter(functional.dropout_add(residual, down.forward(act(wide[0], wide[1]))));
        }

        private Tensor Attend(Tensor x, Step step)
        {
            var parts = Linear.Together(x, query, key, value);
            var q = functional.rotary_embedding(Heads(parts[0], queryNorm), step.Cosine, step.Sine);   // [batch, heads, tokens, head_dim]
            var k = functional.rotary_embedding(Heads(parts[1], keyNorm), step.Cosine, step.Sine);       // [batch, key heads, tokens, head_dim]
            var v = Heads(parts[2], null);
            if (step.Cache is not null)
            {
                (k, v) = step.Cache.Append(layer, k, v);
            }

            return output.forward((window is not null ? step.WindowPattern : step.Pattern).Attend(q, k, v, step.AttentionDropout));
        }

        internal StepValue Build(StepBuilder step, StepValue x, RotaryEmbedding rotary, bool isLast)
        {
            using var end = step.Block();
            var layout = new HeadLayout
            {
                Heads = heads, KeyHeads = keyHeads, Dim = headDim, Layer = layer, Eps = queryNorm?.Eps ?? 0,
                QueryAt = 0, KeyAt = heads * headDim, ValueAt = (heads + keyHeads) * headDim, QueryStep = headDim, KeyStep = headDim, ValueStep = headDim,
            };
            var mixed = step.Attend(step.Linear(step.Norm(inputNorm, x), query, key, value), layout, StepSees.Before, rotary, queryNorm, keyNorm, window ?? 0);
            if (isLast) (x, mixed) = (step.Select(x), step.Select(mixed));
            step.Add(x, mixed, output);
            step.Add(x, step.Gate(step.Linear(step.Norm(postAttentionNorm, x), gate, up), stepAct), down);
            return x;
        }

        private Tensor Heads(Tensor x, RmsNorm? norm)
        {
            var split = x.view(x.size(0), x.size(1), -1, headDim);
            return (norm?.ForProducts(split) ?? split).transpose(1, 2);
        }
    }
}
