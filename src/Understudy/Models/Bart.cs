using System.Text.Json.Nodes;
using Understudy.Torch;
using static Understudy.Models.DropoutLayer;

namespace Understudy.Models;

/// <summary>BART: an encoder and a decoder with a language-model head (Lewis et al., arXiv 1910.13461; layout of transformers' <c>BartForConditionalGeneration</c>).</summary>
public sealed class BartForConditionalGeneration : ISequenceToSequenceModel, ISourceStepModel
{
    private const string LogitsBias = "final_logits_bias";
    private readonly BartBody body;
    private readonly Linear head;
    private readonly Tensor logitsBias;
    private readonly bool hasLogitsBias;

    /// <summary>Builds the model from a source of weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="source">A checkpoint or new weights.</param>
    public BartForConditionalGeneration(BartConfig config, IParameterSource source)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(source);
        var record = new RecordingSource(source);
        // A file with an output layer of its own has one, whatever its configuration says.
        Config = config = config with { TieWordEmbeddings = config.TieWordEmbeddings && !source.HasOwn("lm_head.weight", BartBody.SharedName) };
        body = new BartBody(config, record);
        head = config.TieWordEmbeddings
            ? Linear.Tied(record, "lm_head", body.Shared.Weight)
            : Linear.Take(record, "lm_head", config.HiddenSize, config.VocabSize, bias: false, isHead: true);
        using var scope = torch.NewDisposeScope();
        var stored = source.Has(LogitsBias) ? source.Take(LogitsBias, ParameterInit.Zeros, 1, config.VocabSize) : null;
        logitsBias = DisposeScope.Detach(stored?.detach() ?? torch.zeros([1, config.VocabSize], body.Shared.Weight.dtype, body.Shared.Weight.device));
        stored?.Dispose();
        hasLogitsBias = logitsBias.ne(0).any().item<bool>();
        Parameters = record.Taken;
        Buffers = [new NamedParameter(LogitsBias, logitsBias)];
        Linears = record.Linears;
    }

    /// <summary>The architecture.</summary>
    public BartConfig Config { get; }

    /// <inheritdoc/>
    public IReadOnlyList<NamedParameter> Parameters { get; }

    /// <inheritdoc/>
    public IReadOnlyList<NamedParameter> Buffers { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Linear> Linears { get; }

    /// <inheritdoc/>
    public bool Training { get; set; }

    /// <inheritdoc/>
    public double? Dropout { get; set; }

    /// <inheritdoc/>
    public bool GradientCheckpointing { get; set; }

    /// <inheritdoc/>
    public int MaxLength => Config.MaxPositionEmbeddings;

    /// <inheritdoc/>
    public int MaxTargetLength => Config.MaxPositionEmbeddings;

    /// <inheritdoc/>
    public int VocabularySize => Config.VocabSize;

    /// <inheritdoc/>
    public int DecoderStartTokenId => Config.DecoderStartTokenId;

    /// <inheritdoc/>
    public int PadTokenId => Config.PadTokenId;

    /// <inheritdoc/>
    public IReadOnlyList<int> EosTokenIds => Config.EosTokenIds;

    /// <summary>How BART's folders are read.</summary>
    internal static ModelFamily Family { get; } = new(BartConfig.ModelType, "model.")
    {
        HeadPrefixes = ["lm_head.", LogitsBias, "classification_head.", "qa_outputs."],
        OtherNames = new Dictionary<string, IReadOnlyList<string>>
        {
            [BartBody.SharedName] = ["model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight"],
        },
        SequenceToSequence = json =>
        {
            var config = BartConfig.From(json);
            return (source, _) => new BartForConditionalGeneration(config, source);
        },
        SequenceClassifier = (json, labels) =>
        {
            var config = BartConfig.From(json) with { Labels = labels };
            return config.EosTokenIds.Count > 0
                ? (source, _) => new BartForSequenceClassification(config, source)
                : throw json.Fault("a classifier reads the last end-of-text token, and 'eos_token_id' names none.");
        },
    };

    /// <inheritdoc/>
    public JsonObject ToConfigJson() => Config.ToJson();

    /// <inheritdoc/>
    public SequenceToSequenceCache NewCache(int batch, int capacity) => new(Config.DecoderLayers, batch, capacity);

    /// <inheritdoc/>
    public Tensor Encode(Tensor inputIds, Tensor? attentionMask = null) => body.Encode(inputIds, attentionMask, BartMode.Of(this, Config));

    /// <inheritdoc/>
    public Tensor Decode(Tensor decoderInputIds, Tensor encoded, Tensor? attentionMask = null, SequenceToSequenceCache? cache = null, Tensor? decoderAttentionMask = null) =>
        body.Decode(decoderInputIds, encoded, attentionMask, cache, BartMode.Of(this, Config), decoderAttentionMask);

    /// <inheritdoc/>
    public Prelogits Prelogits(Tensor hidden) => new(hidden, head, hasLogitsBias ? logitsBias.view(-1) : null);

    /// <inheritdoc/>
    public Tensor Logits(Tensor hidden)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(Prelogits(hidden).Logits());
    }

    StepShape IStepModel.StepShape => body.DecoderShape;

    StepShape ISourceStepModel.EncoderShape => body.EncoderShape;

    string? IStepModel.StepObstacle => Activation.StepByName(Config.ActivationFunction) is null ? $"the activation {Config.ActivationFunction}" : null;

    int IStepModel.StepOutputs => Config.VocabSize;

    void IStepModel.Build(StepBuilder step) => step.Output(body.Build(step), head, hasLogitsBias ? logitsBias.view(-1) : null);

    void ISourceStepModel.BuildSource(StepBuilder step) => body.BuildSource(step);

    /// <inheritdoc/>
    public void Dispose() => ModelTensors.Free(this);
}

/// <summary>BART with a classification head on the decoder's last end-of-text token (layout of transformers' <c>BartForSequenceClassification</c>). The text goes into encoder and decoder alike.</summary>
public sealed class BartForSequenceClassification : ISequenceClassifier
{
    private readonly BartBody body;
    private readonly Linear dense;
    private readonly Linear output;

    /// <summary>Builds the model from a source of weights.</summary>
    public BartForSequenceClassification(BartConfig config, IParameterSource source)
    {
        ArgumentNullException.ThrowIfNull(config);
        Config = config;
        var record = new RecordingSource(source);
        body = new BartBody(config, record);
        dense = Linear.Take(record, "classification_head.dense", config.HiddenSize, config.HiddenSize, isHead: true);
        output = Linear.Take(record, "classification_head.out_proj", config.HiddenSize, config.Labels.Count, isHead: true);
        Parameters = record.Taken;
        Linears = record.Linears;
    }

    /// <summary>The architecture.</summary>
    public BartConfig Config { get; }

    /// <inheritdoc/>
    public IReadOnlyList<NamedParameter> Parameters { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Linear> Linears { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Labels => Config.Labels;

    /// <inheritdoc/>
    public bool Training { get; set; }

    /// <inheritdoc/>
    public double? Dropout { get; set; }

    /// <inheritdoc/>
    public bool GradientCheckpointing { get; set; }

    /// <inheritdoc/>
    public int MaxLength => Config.MaxPositionEmbeddings;

    /// <inheritdoc/>
    public JsonObject ToConfigJson() => Config.ToJson("BartForSequenceClassification");

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A row has no end-of-text token.</exception>
    public Tensor Forward(Tensor inputIds, Tensor? attentionMask = null, Tensor? tokenTypeIds = null)
    {
        ArgumentNullException.ThrowIfNull(inputIds);
        using var scope = torch.NewDisposeScope();
        var (batch, tokens) = (inputIds.size(0), inputIds.size(1));
        var ends = inputIds.eq(Config.EosTokenIds[0]).to(ScalarType.Int64);
        if (attentionMask is not null) ends *= attentionMask;
        if (ends.sum(1).eq(0).any().item<bool>())
        {
            throw new ArgumentException($"A row has no end-of-text token ({Config.EosTokenIds[0]}), where this classifier reads. Let the tokenizer add it.", nameof(inputIds));
        }

        // The decoder's input is the text shifted right by one.
        var start = torch.full([batch, 1], Config.DecoderStartTokenId, ScalarType.Int64, inputIds.device);
        var shifted = torch.cat([start, inputIds.narrow(1, 0, tokens - 1)], 1);
        var mode = BartMode.Of(this, Config);
        var hidden = body.Decode(shifted, body.Encode(inputIds, attentionMask, mode), attentionMask, null, mode);   // [batch, tokens, hidden]
        var last = (ends * torch.arange(tokens, device: inputIds.device)).argmax(1);                                // [batch]
        var sentence = hidden.gather(1, last.view(-1, 1, 1).expand(batch, 1, hidden.size(2))).squeeze(1);
        var probability = Training ? Dropout ?? Config.ClassifierDropout : 0;
        var inner = dense.forward(Drop(sentence, probability)).tanh();
        return scope.MoveToOuter(output.forward(Drop(inner, probability)));
    }

    /// <inheritdoc/>
    public void Dispose() => ModelTensors.Free(this);
}

/// <summary>How a pass is computed: dropout probabilities, 0 outside of training, and whether blocks are checkpointed.</summary>
internal sealed record BartMode(double Hidden, double Attention, double Activation, double EncoderLayers, double DecoderLayers, bool Checkpointed)
{
    internal static BartMode Of(IPretrainedModel model, BartConfig config) => !model.Training ? new BartMode(0, 0, 0, 0, 0, false) : new BartMode(
        model.Dropout ?? config.Dropout,
        model.Dropout ?? config.AttentionDropout,
        model.Dropout ?? config.ActivationDropout,
        model.Dropout is null ? config.EncoderLayerDrop : 0,
        model.Dropout is null ? config.DecoderLayerDrop : 0,
        model.GradientCheckpointing);
}

/// <summary>Encoder and decoder of BART: learned positions, then post-norm blocks.</summary>
internal sealed class BartBody
{
    internal const string SharedName = "model.shared.weight";

    // The first two rows of a position embedding are not used: the original counted from the padding token's id on.
    private const int PositionOffset = 2;

    private readonly BartConfig config;
    private readonly Stack encoder;
    private readonly Stack decoder;

    internal BartBody(BartConfig config, IParameterSource source)
    {
        this.config = config;
        var act = Activation.ByName(config.ActivationFunction, new ConfigJson(config.ToJson(), ConfigJson.FileName), "activation_function");
        Shared = Embedding.Take(source, "model.shared", config.VocabSize, config.HiddenSize, config.PadTokenId);
        encoder = new Stack(config, source, act, "model.encoder", config.EncoderLayers, config.EncoderAttentionHeads, config.EncoderFfnDim, crossAttention: false);
        decoder = new Stack(config, source, act, "model.decoder", config.DecoderLayers, config.DecoderAttentionHeads, config.DecoderFfnDim, crossAttention: true);
    }

    /// <summary>The embedding of encoder, decoder and, where it is tied, output.</summary>
    internal Embedding Shared { get; }

    internal Tensor Encode(Tensor inputIds, Tensor? attentionMask, BartMode mode)
    {
        using var scope = torch.NewDisposeScope();
        var unpadding = Unpadding.Of(attentionMask);
        var pattern = unpadding is null ? new AttentionPattern(AttentionMasks.Padding(attentionMask)) : new AttentionPattern(Starts: unpadding.Starts);
        var x = Embed(encoder, inputIds, 0, mode, unpadding);
        foreach (var block in encoder.Blocks)
        {
            if (!IsLeftOut(mode.EncoderLayers)) x = Blocks.Run(mode.Checkpointed, x, input => block.forward(input, null, pattern, null, null, mode));
        }

        return scope.MoveToOuter(unpadding?.Unpack(x) ?? x);
    }

    internal Tensor Decode(Tensor inputIds, Tensor encoded, Tensor? attentionMask, SequenceToSequenceCache? cache, BartMode mode, Tensor? decoderMask = null)
    {
        using var scope = torch.NewDisposeScope();
        var tokens = inputIds.size(1);
        var past = cache?.Target.Length ?? 0;
        var pattern = past == 0 ? new AttentionPattern(IsCausal: true) : new AttentionPattern(AttentionMasks.Causal(null, tokens, past + tokens, inputIds.device));
        var sourcePattern = new AttentionPattern(AttentionMasks.Padding(attentionMask));
        var target = cache is null && Unpadding.Of(decoderMask) is not null ? Unpadding.Of(decoderMask, isForced: true) : null;
        if (target is not null)
        {
            var source = Unpadding.Of(attentionMask ?? torch.ones([encoded.size(0), encoded.size(1)], ScalarType.Int64), isForced: true)!;
            encoded = source.PackHidden(encoded);
            var (starts, keyStarts) = Unpadding.Aligned(target, source);
            pattern = new AttentionPattern(Starts: target.Starts, IsCausal: true);
            sourcePattern = new AttentionPattern(Starts: starts, KeyStarts: keyStarts);
        }

        var x = Embed(decoder, inputIds, past, mode, target);   // [batch, tokens, hidden], or [1, packed, hidden]
        foreach (var block in decoder.Blocks)
        {
            if (IsLeftOut(mode.DecoderLayers)) continue;
            x = Blocks.Run(mode.Checkpointed, [x, encoded.view(encoded.shape)], inputs => block.forward(inputs[0], inputs[1], pattern, sourcePattern, cache, mode));
        }

        cache?.Target.Advance((int)tokens);
        return scope.MoveToOuter(target?.Unpack(x) ?? x);
    }

    /// <summary>What the caches of the decoder's step hold.</summary>
    internal StepShape DecoderShape => new(config.DecoderLayers, config.DecoderAttentionHeads, config.HiddenSize / config.DecoderAttentionHeads, config.DecoderLayers);

    /// <summary>What the cache of the encoder's step holds: no layer needs the keys and values of the one before.</summary>
    internal StepShape EncoderShape => new(1, config.EncoderAttentionHeads, config.HiddenSize / config.EncoderAttentionHeads);

    /// <summary>Writes down what the decoder computes.</summary>
    /// <returns>The selected tokens' hidden states, for products.</returns>
    internal StepValue Build(StepBuilder step)
    {
        var x = Embed(step, decoder);
        foreach (var block in decoder.Blocks) x = block.Build(step, x, isLast: block == decoder.Blocks[^1]);
        return x.Factors;
    }

    /// <summary>Writes down what the encoder computes, and the keys and values that the decoder's blocks keep of it.</summary>
    internal void BuildSource(StepBuilder step)
    {
        var x = Embed(step, encoder);
        foreach (var block in encoder.Blocks) x = block.Build(step, x, isLast: false);
        foreach (var block in decoder.Blocks) block.BuildSource(step, x);
    }

    private StepStream Embed(StepBuilder step, Stack stack)
    {
        var sum = step.Embed(Shared, config.ScaleEmbedding ? Math.Sqrt(config.HiddenSize) : 1);
        step.AddEmbedding(sum, stack.Positions, StepLookup.Positions, PositionOffset);
        var x = step.Stream(sum);
        step.NormInPlace(stack.EmbeddingNorm, x);
        return x;
    }

    private static bool IsLeftOut(double probability)
    {
        if (probability == 0) return false;
        using var scope = torch.NewDisposeScope();
        return torch.empty([1]).uniform_().item<double>() < probability;
    }

    private Tensor Embed(Stack stack, Tensor inputIds, int past, BartMode mode, Unpadding? unpadding = null)
    {
        var tokens = inputIds.size(1);
        if (past + tokens > config.MaxPositionEmbeddings)
        {
            throw new ArgumentException($"A row of {past + tokens} tokens was given; the model takes at most {config.MaxPositionEmbeddings} (max_position_embeddings). Shorten the text or set max_length.", nameof(inputIds));
        }

        var positions = torch.arange(past + PositionOffset, past + PositionOffset + tokens, device: inputIds.device);
        if (unpadding is not null) (inputIds, positions) = (unpadding.Pack(inputIds), unpadding.Pack(positions.unsqueeze(0)));
        var words = Shared.forward(inputIds);
        if (config.ScaleEmbedding) words *= Math.Sqrt(config.HiddenSize);
        var places = stack.Positions.forward(positions);
        return Drop(stack.EmbeddingNorm.forward(words + places), mode.Hidden);
    }

    /// <summary>What encoder and decoder are made of alike.</summary>
    private sealed class Stack(BartConfig config, IParameterSource source, Func<Tensor, Tensor> act, string name, int layers, int heads, int width, bool crossAttention)
    {
        internal Embedding Positions { get; } = Embedding.Take(source, $"{name}.embed_positions", config.MaxPositionEmbeddings + PositionOffset, config.HiddenSize);

        internal LayerNorm EmbeddingNorm { get; } = Norm(source, $"{name}.layernorm_embedding", config);

        internal Block[] Blocks { get; } = [.. Enumerable.Range(0, layers).Select(i => new Block(config, source, act, $"{name}.layers.{i}", i, heads, width, crossAttention))];

        internal static LayerNorm Norm(IParameterSource source, string name, BartConfig config) => LayerNorm.Take(source, name, config.HiddenSize, 1e-5);
    }

    private sealed class Block
    {
        private readonly int layer;
        private readonly SelfOrSource selfAttention;
        private readonly LayerNorm selfNorm;
        private readonly SelfOrSource? sourceAttention;
        private readonly LayerNorm? sourceNorm;
        private readonly Linear up;
        private readonly Linear down;
        private readonly LayerNorm finalNorm;
        private readonly Func<Tensor, Tensor> act;
        private readonly StepActivation stepAct;

        internal Block(BartConfig config, IParameterSource source, Func<Tensor, Tensor> act, string name, int layer, int heads, int width, bool crossAttention)
        {
            (this.layer, this.act) = (layer, act);
            stepAct = Activation.StepByName(config.ActivationFunction) ?? StepActivation.None;
            selfAttention = new SelfOrSource(source, $"{name}.self_attn", config.HiddenSize, heads);
            selfNorm = Stack.Norm(source, $"{name}.self_attn_layer_norm", config);
            if (crossAttention)
            {
                sourceAttention = new SelfOrSource(source, $"{name}.encoder_attn", config.HiddenSize, heads);
                sourceNorm = Stack.Norm(source, $"{name}.encoder_attn_layer_norm", config);
            }

            up = Linear.Take(source, $"{name}.fc1", config.HiddenSize, width);
            down = Linear.Take(source, $"{name}.fc2", width, config.HiddenSize);
            finalNorm = Stack.Norm(source, $"{name}.final_layer_norm", config);
        }

        internal Tensor forward(Tensor x, Tensor? encoded, AttentionPattern pattern, AttentionPattern? sourcePattern, SequenceToSequenceCache? cache, BartMode mode)
        {
            using var scope = torch.NewDisposeScope();
            var (query, key, value) = selfAttention.OfItself(x);
            if (cache is not null) (key, value) = cache.Target.Append(layer, key, value);
            (x, var inner) = selfNorm.Twice(DropAndAdd(x, selfAttention.forward(query, key, value, pattern, mode.Attention), mode.Hidden));
            if (sourceAttention is not null)
            {
                (key, value) = cache?.Source(layer, () => sourceAttention.KeysAndValues(encoded!)) ?? sourceAttention.KeysAndValues(encoded!);
                (x, inner) = sourceNorm!.Twice(DropAndAdd(x, sourceAttention.forward(sourceAttention.QueryOf(inner), key, value, sourcePattern!, mode.Attention), mode.Hidden));
            }

            inner = Drop(act(up.forward(inner)), mode.Activation);
            return scope.MoveToOuter(finalNorm.forward(DropAndAdd(x, down.forward(inner), mode.Hidden)));
        }

        internal StepStream Build(StepBuilder step, StepStream x, bool isLast)
        {
            using var end = step.Block();
            if (sourceAttention is null)
            {
                selfAttention.Build(step, x.Rows, selfAttention.MixOfItself(step, x, 0, StepSees.All));
            }
            else
            {
                selfAttention.Build(step, x.Rows, selfAttention.MixOfItself(step, x, layer, StepSees.Before));
                step.NormInPlace(selfNorm, x);
                var mixed = sourceAttention.MixOfSource(step, x, layer);
                if (isLast) (x, mixed) = (step.Select(x), step.Select(mixed));
                sourceAttention.Build(step, x.Rows, mixed);
            }

            step.NormInPlace(sourceNorm ?? selfNorm, x);
            step.Add(x.Rows, step.Factors(x.Factors, up, stepAct), down);
            step.NormInPlace(finalNorm, x);
            return x;
        }

        /// <summary>The keys and values that this block of a decoder keeps of a source.</summary>
        internal void BuildSource(StepBuilder step, StepStream encoded)
        {
            using var end = step.Block();
            sourceAttention!.BuildSource(step, encoded, layer);
        }
    }

    /// <summary>Attention of a text to itself, or to the source.</summary>
    private sealed class SelfOrSource(IParameterSource source, string name, int hidden, int heads)
    {
        private readonly Linear key = Linear.Take(source, $"{name}.k_proj", hidden, hidden);
        private readonly Linear value = Linear.Take(source, $"{name}.v_proj", hidden, hidden);
        private readonly Linear query = Linear.Take(source, $"{name}.q_proj", hidden, hidden);
        private readonly Linear output = Linear.Take(source, $"{name}.out_proj", hidden, hidden);

        /// <summary>Query, key and value of a text that attends to itself.</summary>
        internal (Tensor Query, Tensor Key, Tensor Value) OfItself(Tensor x)
        {
            var parts = Linear.Together(x, query, key, value);
            return (Heads(parts[0]), Heads(parts[1]), Heads(parts[2]));
        }

        internal Tensor QueryOf(Tensor x) => Heads(query.forward(x));

        internal (Tensor Keys, Tensor Values) KeysAndValues(Tensor x)
        {
            var parts = Linear.Together(x, key, value);
            return (Heads(parts[0]), Heads(parts[1]));
        }

        internal Tensor forward(Tensor queries, Tensor keys, Tensor values, AttentionPattern pattern, double dropout) =>
            output.forward(pattern.Attend(queries, keys, values, dropout));

        internal StepValue MixOfItself(StepBuilder step, StepStream x, int layer, StepSees sees) =>
            step.Attend(step.Linear(x.Factors, query, key, value), Layout(layer) with { QueryAt = 0, KeyAt = hidden, ValueAt = 2 * hidden }, sees);

        internal StepValue MixOfSource(StepBuilder step, StepStream x, int layer) =>
            step.Attend(step.Linear(x.Factors, query), Layout(layer) with { QueryAt = 0 }, StepSees.Source);

        internal void BuildSource(StepBuilder step, StepStream encoded, int layer) =>
            step.Attend(step.Linear(encoded.Factors, key, value), Layout(layer) with { KeyAt = 0, ValueAt = hidden, OfSource = 1 }, StepSees.Source);

        internal void Build(StepBuilder step, StepValue stream, StepValue mixed) => step.Add(stream, mixed, output);

        private HeadLayout Layout(int layer) => new()
        {
            Heads = heads, KeyHeads = heads, Dim = hidden / heads, Layer = layer, QueryStep = hidden / heads, KeyStep = hidden / heads, ValueStep = hidden / heads,
        };

        private Tensor Heads(Tensor x) => x.view(x.size(0), x.size(1), heads, x.size(2) / heads).transpose(1, 2);   // [batch, heads, tokens, head_dim]
    }
}
