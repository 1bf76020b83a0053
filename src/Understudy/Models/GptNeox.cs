using System.Text.Json.Nodes;
using Understudy.Torch;
using static Understudy.Models.DropoutLayer;
using static Understudy.Torch.nn;

namespace Understudy.Models;

/// <summary>GPT-NeoX with a language-model head (Black et al., arXiv 2204.06745; layout of transformers' <c>GPTNeoXForCausalLM</c>).</summary>
public sealed class GptNeoxForCausalLM : ICausalLanguageModel, IStepBody
{
    private readonly Embedding embedIn;
    private readonly Block[] blocks;
    private readonly LayerNorm finalNorm;
    private readonly Linear? embedOut;
    private readonly RotaryEmbedding rotary;

    /// <summary>Builds the model from a source of weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="source">A checkpoint or new weights.</param>
    /// <param name="device">Where the source puts the weights; the CPU when null.</param>
    /// <param name="withHead">Whether it has an output layer; a classifier's body has none.</param>
    public GptNeoxForCausalLM(GptNeoxConfig config, IParameterSource source, Device? device = null, bool withHead = true)
    {
        Config = config;
        var act = Activation.ByName(config.HiddenAct, new ConfigJson(config.ToJson(), ConfigJson.FileName));
        var record = new RecordingSource(source);
        embedIn = Embedding.Take(record, "gpt_neox.embed_in", config.VocabSize, config.HiddenSize);
        blocks = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(i => new Block(config, record, act, i))];
        finalNorm = LayerNorm.Take(record, "gpt_neox.final_layer_norm", config.HiddenSize, config.LayerNormEps);
        embedOut = !withHead ? null
            : config.TieWordEmbeddings ? Linear.Tied(record, "embed_out", embedIn.Weight)
            : Linear.Take(record, "embed_out", config.HiddenSize, config.VocabSize, bias: false, isHead: true);
        rotary = new RotaryEmbedding(config.Rope, config.RotaryDimensions, device ?? Device.CPU, config.RotaryFrequencyType);
        Parameters = record.Taken;
        Linears = record.Linears;
    }

    /// <summary>The architecture.</summary>
    public GptNeoxConfig Config { get; }

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

    /// <summary>How GPT-NeoX's folders are read.</summary>
    /// <param name="rotaryFrequencyType">See <see cref="GptNeoxConfig.RotaryFrequencyType"/>.</param>
    internal static ModelFamily Family(ScalarType rotaryFrequencyType) => new(GptNeoxConfig.ModelType, "gpt_neox.")
    {
        HeadPrefixes = ["embed_out.", "score."],
        CausalLanguageModel = json =>
        {
            var config = GptNeoxConfig.From(json) with { RotaryFrequencyType = rotaryFrequencyType };
            return (source, device) => new GptNeoxForCausalLM(config, source, device);
        },
        SequenceClassifier = (json, labels) =>
        {
            var config = GptNeoxConfig.From(json) with { RotaryFrequencyType = rotaryFrequencyType };
            return (source, device) => new CausalSequenceClassifier("GPTNeoXForSequenceClassification", record => new GptNeoxForCausalLM(config, record, device, withHead: false), labels, config.PadTokenId ?? config.EosTokenId, source);
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
        var input = CausalInput.Prepare(this, "max_position_embeddings", inputIds, attentionMask, cache, positionIds, keepsPadding: hiddenStates is not null);
        var (cosine, sine) = rotary.At(input.Positions, past, tokens, counted: positionIds is null);
        var step = new Step(input.Pattern, cosine, sine, cache, Training ? Dropout ?? Config.AttentionDropout : 0, Training ? Dropout ?? Config.HiddenDropout : 0);

        // Dropout of the embedding's output takes the hidden probability, as in the reference.
        var x = Drop(embedIn.forward(input.Ids), step.HiddenDropout);   // [batch, tokens, hidden]
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
    public Prelogits Prelogits(Tensor hidden) => new(hidden, embedOut ?? throw CausalInput.NoHead());

    /// <inheritdoc/>
    public Tensor Logits(Tensor hidden) => Prelogits(hidden).Logits();

    /// <inheritdoc/>
    public void Dispose()
    {
        rotary.Dispose();
        ModelTensors.Free(this);
    }

    StepShape IStepModel.StepShape => new(blocks.Length, Config.NumAttentionHeads, Config.HeadDim);

    string? IStepModel.StepObstacle => HiddenObstacle ?? (embedOut is null ? "no output layer" : null);

    int IStepModel.StepOutputs => Config.VocabSize;

    string? IStepBody.HiddenObstacle => HiddenObstacle;

    private string? HiddenObstacle => Activation.StepByName(Config.HiddenAct) is null ? $"the activation {Config.HiddenAct}" : !rotary.IsFixed ? "dynamic rotary positions" : null;

    void IStepModel.Build(StepBuilder step) => step.Output(BuildHidden(step), embedOut!);

    StepValue IStepBody.BuildHidden(StepBuilder step) => BuildHidden(step);

    private StepValue BuildHidden(StepBuilder step)
    {
        var x = step.Embed(embedIn);
        foreach (var block in blocks) x = block.Build(step, x, rotary, isLast: block == blocks[^1]);
        return step.Norm(finalNorm, x);
    }

    private sealed record Step(AttentionPattern Pattern, Tensor Cosine, Tensor Sine, KeyValueCache? Cache, double AttentionDropout, double HiddenDropout);

    private sealed class Block
    {
        private readonly int layer;
        private readonly int heads;
        private readonly int headDim;
        private readonly bool parallel;
        private readonly LayerNorm inputNorm;
        private readonly LayerNorm postAttentionNorm;
        private readonly Linear queryKeyValue;
        private readonly Linear dense;
        private readonly Linear up;
        private readonly Linear down;
        private readonly Func<Tensor, Tensor> act;
        private readonly StepActivation stepAct;

        internal Block(GptNeoxConfig config, IParameterSource source, Func<Tensor, Tensor> act, int layer)
        {
            this.layer = layer;
            this.act = act;
            stepAct = Activation.StepByName(config.HiddenAct) ?? StepActivation.None;
            heads = config.NumAttentionHeads;
            headDim = config.HeadDim;
            parallel = config.UseParallelResidual;
            var name = $"gpt_neox.layers.{layer}";
            var hidden = config.HiddenSize;
            inputNorm = LayerNorm.Take(source, $"{name}.input_layernorm", hidden, config.LayerNormEps);
            postAttentionNorm = LayerNorm.Take(source, $"{name}.post_attention_layernorm", hidden, config.LayerNormEps);
            queryKeyValue = Linear.Take(source, $"{name}.attention.query_key_value", hidden, 3 * hidden, config.AttentionBias);
            dense = Linear.Take(source, $"{name}.attention.dense", hidden, hidden, config.AttentionBias);
            up = Linear.Take(source, $"{name}.mlp.dense_h_to_4h", hidden, config.IntermediateSize);
            down = Linear.Take(source, $"{name}.mlp.dense_4h_to_h", config.IntermediateSize, hidden);
        }

        internal Tensor forward(Tensor x, Step step)
        {
            if (parallel)
            {
                var (around, forAttention, forFeedForward) = inputNorm.Branch(x, postAttentionNorm);
                return functional.dropout_add(around, FeedForward(forFeedForward), Attend(forAttention, step), step.HiddenDropout);
            }

            var (residual, inner) = inputNorm.Branch(x);
            (residual, inner) = postAttentionNorm.Branch(DropAndAdd(residual, Attend(inner, step), step.HiddenDropout));
            return DropAndAdd(residual, FeedForward(inner), step.HiddenDropout);
        }

        private Tensor Attend(Tensor x, Step step)
        {
            // One row of the fused weight holds query, key and value of one head side by side: [heads, 3 x head_dim].
            var (query, key, value) = functional.split_heads(queryKeyValue.forward(x), heads, byHead: true, step.Cosine, step.Sine);   // [batch, heads, tokens, head_dim]
            if (step.Cache is not null)
            {
                (key, value) = step.Cache.Append(layer, key, value);
            }

            return dense.forward(step.Pattern.Attend(query, key, value, step.AttentionDropout));
        }

        internal StepValue Build(StepBuilder step, StepValue x, RotaryEmbedding rotary, bool isLast)
        {
            using var end = step.Block();
            var layout = new HeadLayout
            {
                Heads = heads, KeyHeads = heads, Dim = headDim, Layer = layer,
                QueryAt = 0, KeyAt = headDim, ValueAt = 2 * headDim, QueryStep = 3 * headDim, KeyStep = 3 * headDim, ValueStep = 3 * headDim,
            };
            var mixed = step.Attend(step.Linear(step.Norm(inputNorm, x), queryKeyValue), layout, StepSees.Before, rotary);
            if (isLast) (x, mixed) = (step.Select(x), step.Select(mixed));
            var forFeedForward = parallel ? step.Norm(postAttentionNorm, x) : default;
            step.Add(x, mixed, dense);
            if (!parallel) forFeedForward = step.Norm(postAttentionNorm, x);
            step.Add(x, step.Factors(forFeedForward, up, stepAct), down);
            return x;
        }

        private Tensor FeedForward(Tensor x) => down.forward(act(up.forward(x)));
    }
}
