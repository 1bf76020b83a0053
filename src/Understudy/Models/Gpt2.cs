using System.Text.Json.Nodes;
using Understudy.Torch;
using static Understudy.Models.DropoutLayer;

namespace Understudy.Models;

/// <summary>GPT-2 with a language-model head (Radford et al., 2019; layout of transformers' <c>GPT2LMHeadModel</c>). Its linear layers are stored as <c>Conv1D</c>: [in, out].</summary>
public sealed class Gpt2LMHeadModel : ICausalLanguageModel, IStepBody
{
    private readonly Embedding words;
    private readonly Embedding places;
    private readonly Block[] blocks;
    private readonly LayerNorm finalNorm;
    private readonly Linear? head;

    /// <summary>Builds the model from a source of weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="source">A checkpoint or new weights.</param>
    /// <param name="withHead">Whether it has an output layer; a classifier's body has none.</param>
    public Gpt2LMHeadModel(Gpt2Config config, IParameterSource source, bool withHead = true)
    {
        Config = config;
        var act = Activation.ByName(config.ActivationFunction, new ConfigJson(config.ToJson(), ConfigJson.FileName), "activation_function");
        var record = new RecordingSource(source);
        words = Embedding.Take(record, "transformer.wte", config.VocabSize, config.HiddenSize);
        places = Embedding.Take(record, "transformer.wpe", config.PositionCount, config.HiddenSize);
        blocks = [.. Enumerable.Range(0, config.LayerCount).Select(i => new Block(config, record, act, i))];
        finalNorm = LayerNorm.Take(record, "transformer.ln_f", config.HiddenSize, config.LayerNormEpsilon);
        head = !withHead ? null
            : config.TieWordEmbeddings ? Linear.Tied(record, "lm_head", words.Weight)
            : Linear.Take(record, "lm_head", config.HiddenSize, config.VocabSize, bias: false, isHead: true);
        Parameters = record.Taken;
        Linears = record.Linears;
    }

    /// <summary>The architecture.</summary>
    public Gpt2Config Config { get; }

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
    public int MaxLength => Config.PositionCount;

    /// <inheritdoc/>
    public int VocabularySize => Config.VocabSize;

    /// <inheritdoc/>
    public int HiddenSize => Config.HiddenSize;

    /// <summary>How GPT-2's folders are read; those of before transformers 2 lack the prefix.</summary>
    internal static ModelFamily Family { get; } = new(Gpt2Config.ModelType, "transformer.")
    {
        HeadPrefixes = ["lm_head.", "score."],
        CausalLanguageModel = json =>
        {
            var config = Gpt2Config.From(json);
            return (source, _) => new Gpt2LMHeadModel(config, source);
        },
        SequenceClassifier = (json, labels) =>
        {
            var config = Gpt2Config.From(json);
            return (source, _) => new CausalSequenceClassifier("GPT2ForSequenceClassification", record => new Gpt2LMHeadModel(config, record, withHead: false), labels, config.PadTokenId ?? config.EosTokenId, source);
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
        var input = CausalInput.Prepare(this, "n_positions", inputIds, attentionMask, cache, positionIds, keepsPadding: hiddenStates is not null);
        var positions = input.Positions ?? torch.arange(past, past + tokens, device: inputIds.device).unsqueeze(0);
        var step = new Step(input.Pattern, cache, Training ? Dropout ?? Config.AttentionDropout : 0, Training ? Dropout ?? Config.ResidualDropout : 0);

        var x = Drop(words.forward(input.Ids) + places.forward(positions), Training ? Dropout ?? Config.EmbeddingDropout : 0);   // [batch, tokens, hidden]
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
    public void Dispose() => ModelTensors.Free(this);

    StepShape IStepModel.StepShape => new(blocks.Length, Config.HeadCount, Config.HiddenSize / Config.HeadCount);

    string? IStepModel.StepObstacle => HiddenObstacle ?? (head is null ? "no output layer" : null);

    int IStepModel.StepOutputs => Config.VocabSize;

    string? IStepBody.HiddenObstacle => HiddenObstacle;

    private string? HiddenObstacle => Activation.StepByName(Config.ActivationFunction) is null ? $"the activation {Config.ActivationFunction}" : null;

    void IStepModel.Build(StepBuilder step) => step.Output(BuildHidden(step), head!);

    StepValue IStepBody.BuildHidden(StepBuilder step) => BuildHidden(step);

    private StepValue BuildHidden(StepBuilder step)
    {
        var x = step.Embed(words);
        step.AddEmbedding(x, places, StepLookup.Positions);
        foreach (var block in blocks) x = block.Build(step, x, isLast: block == blocks[^1]);
        return step.Norm(finalNorm, x);
    }

    private sealed record Step(AttentionPattern Pattern, KeyValueCache? Cache, double AttentionDropout, double ResidualDropout);

    private sealed class Block
    {
        private readonly int layer;
        private readonly int heads;
        private readonly int headDim;
        private readonly double queryScale;
        private readonly LayerNorm attentionNorm;
        private readonly Linear queryKeyValue;
        private readonly Linear output;
        private readonly LayerNorm feedForwardNorm;
        private readonly Linear up;
        private readonly Linear down;
        private readonly Func<Tensor, Tensor> act;
        private readonly StepActivation stepAct;

        internal Block(Gpt2Config config, IParameterSource source, Func<Tensor, Tensor> act, int layer)
        {
            this.layer = layer;
            this.act = act;
            stepAct = Activation.StepByName(config.ActivationFunction) ?? StepActivation.None;
            (heads, headDim) = (config.HeadCount, config.HiddenSize / config.HeadCount);
            var name = $"transformer.h.{layer}";
            var hidden = config.HiddenSize;
            // Attention divides by the square root of the head's width; what the file wants otherwise goes into the query.
            queryScale = (config.ScaleAttentionWeights ? 1 : Math.Sqrt((double)hidden / heads)) / (config.ScaleByInverseLayer ? layer + 1 : 1);
            attentionNorm = LayerNorm.Take(source, $"{name}.ln_1", hidden, config.LayerNormEpsilon);
            queryKeyValue = Linear.Take(source, $"{name}.attn.c_attn", hidden, 3 * hidden, layout: LinearLayout.InOut);
            output = Linear.Take(source, $"{name}.attn.c_proj", hidden, hidden, layout: LinearLayout.InOut);
            feedForwardNorm = LayerNorm.Take(source, $"{name}.ln_2", hidden, config.LayerNormEpsilon);
            up = Linear.Take(source, $"{name}.mlp.c_fc", hidden, config.IntermediateSize, layout: LinearLayout.InOut);
            down = Linear.Take(source, $"{name}.mlp.c_proj", config.IntermediateSize, hidden, layout: LinearLayout.InOut);
        }

        internal Tensor forward(Tensor x, Step step)
        {
            using var scope = torch.NewDisposeScope();
            var (residual, inner) = attentionNorm.Branch(x);
            (residual, inner) = feedForwardNorm.Branch(DropAndAdd(residual, Attend(inner, step), step.ResidualDropout));
            return scope.MoveToOuter(DropAndAdd(residual, down.forward(act(up.forward(inner))), step.ResidualDropout));
        }

        internal StepValue Build(StepBuilder step, StepValue x, bool isLast)
        {
            using var end = step.Block();
            var layout = new HeadLayout
            {
                Heads = heads, KeyHeads = heads, Dim = headDim, Layer = layer, QueryScale = queryScale,
                QueryAt = 0, KeyAt = heads * headDim, ValueAt = 2 * heads * headDim, QueryStep = headDim, KeyStep = headDim, ValueStep = headDim,
            };
            var mixed = step.Attend(step.Linear(step.Norm(attentionNorm, x), queryKeyValue), layout, StepSees.Before);
            if (isLast) (x, mixed) = (step.Select(x), step.Select(mixed));
            step.Add(x, mixed, output);
            step.Add(x, step.Factors(step.Norm(feedForwardNorm, x), up, stepAct), down);
            return x;
        }

        private Tensor Attend(Tensor x, Step step)
        {
            var (query, key, value) = nn.functional.split_heads(queryKeyValue.forward(x), heads, byHead: false);   // [batch, heads, tokens, head_dim]
            if (queryScale != 1) query *= queryScale;
            if (step.Cache is not null)
            {
                (key, value) = step.Cache.Append(layer, key, value);
            }

            return output.forward(step.Pattern.Attend(query, key, value, step.AttentionDropout));
        }
    }
}
