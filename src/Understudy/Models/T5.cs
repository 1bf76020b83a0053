using System.Text.Json.Nodes;
using Understudy.Torch;
using static Understudy.Models.DropoutLayer;

namespace Understudy.Models;

/// <summary>T5: an encoder and a decoder with relative positions and a language-model head (Raffel et al., arXiv 1910.10683; layout of transformers' <c>T5ForConditionalGeneration</c>).</summary>
public sealed class T5ForConditionalGeneration : ISequenceToSequenceModel, ISourceStepModel
{
    private const string SharedName = "shared.weight";
    private readonly Embedding shared;
    private readonly Stack encoder;
    private readonly Stack decoder;
    private readonly Linear head;

    /// <summary>Builds the model from a source of weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="source">A checkpoint or new weights.</param>
    /// <param name="device">Where the source puts the weights; the CPU when null.</param>
    public T5ForConditionalGeneration(T5Config config, IParameterSource source, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(source);
        // A file with an output layer of its own has one: transformers 5 calls every T5 tied, and leaves such a layer alone.
        Config = config = config with { TieWordEmbeddings = config.TieWordEmbeddings && !source.HasOwn("lm_head.weight", SharedName) };
        var act = Activation.GatedByName(config.ActivationFunction, new ConfigJson(config.ToJson(), ConfigJson.FileName), "feed_forward_proj");
        var record = new RecordingSource(source);
        shared = Embedding.Take(record, "shared", config.VocabSize, config.HiddenSize);
        encoder = new Stack(config, record, act, "encoder", config.EncoderLayers, isDecoder: false, device ?? Device.CPU);
        decoder = new Stack(config, record, act, "decoder", config.DecoderLayers, isDecoder: true, device ?? Device.CPU);
        head = config.TieWordEmbeddings
            ? Linear.Tied(record, "lm_head", shared.Weight)
            : Linear.Take(record, "lm_head", config.HiddenSize, config.VocabSize, bias: false, isHead: true);
        Parameters = record.Taken;
        Linears = record.Linears;
    }

    /// <summary>The architecture.</summary>
    public T5Config Config { get; }

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
    public int MaxTargetLength => Config.MaxLength;

    /// <inheritdoc/>
    public int VocabularySize => Config.VocabSize;

    /// <inheritdoc/>
    public int DecoderStartTokenId => Config.DecoderStartTokenId;

    /// <inheritdoc/>
    public int PadTokenId => Config.PadTokenId;

    /// <inheritdoc/>
    public IReadOnlyList<int> EosTokenIds => Config.EosTokenIds;

    /// <summary>How T5's folders are read.</summary>
    internal static ModelFamily Family { get; } = new(T5Config.ModelType, "")
    {
        HeadPrefixes = ["lm_head."],
        OtherNames = new Dictionary<string, IReadOnlyList<string>>
        {
            [SharedName] = ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"],
        },
        SequenceToSequence = json =>
        {
            var config = T5Config.From(json);
            return (source, device) => new T5ForConditionalGeneration(config, source, device);
        },
    };

    /// <inheritdoc/>
    public JsonObject ToConfigJson() => Config.ToJson();

    /// <inheritdoc/>
    public SequenceToSequenceCache NewCache(int batch, int capacity) => new(Config.DecoderLayers, batch, capacity);

    /// <inheritdoc/>
    public Tensor Encode(Tensor inputIds, Tensor? attentionMask = null)
    {
        ArgumentNullException.ThrowIfNull(inputIds);
        using var scope = torch.NewDisposeScope();
        var scores = encoder.Scores(inputIds.size(1), 0, AttentionMasks.Padding(attentionMask));
        var step = NewStep(null, null);
        var x = Drop(shared.forward(inputIds), step.Dropout);   // [batch, source, hidden]
        foreach (var block in encoder.Blocks)
        {
            x = Blocks.Run(step.Checkpointed, [x, scores], inputs => block.forward(inputs[0], null, inputs[1], step));
        }

        return scope.MoveToOuter(Drop(encoder.FinalNorm.forward(x), step.Dropout));
    }

    /// <inheritdoc/>
    public Tensor Decode(Tensor decoderInputIds, Tensor encoded, Tensor? attentionMask = null, SequenceToSequenceCache? cache = null, Tensor? decoderAttentionMask = null)
    {
        ArgumentNullException.ThrowIfNull(decoderInputIds);
        using var scope = torch.NewDisposeScope();
        var tokens = decoderInputIds.size(1);
        var past = cache?.Target.Length ?? 0;
        var mask = AttentionMasks.Causal(null, tokens, past + tokens, decoderInputIds.device);
        var scores = decoder.Scores(tokens, past, mask);
        var step = NewStep(AttentionMasks.Padding(attentionMask), cache);
        var x = Drop(shared.forward(decoderInputIds), step.Dropout);   // [batch, target, hidden]
        foreach (var block in decoder.Blocks)
        {
            x = Blocks.Run(step.Checkpointed, [x, encoded.view(encoded.shape), scores], inputs => block.forward(inputs[0], inputs[1], inputs[2], step));
        }

        cache?.Target.Advance((int)tokens);
        return scope.MoveToOuter(Drop(decoder.FinalNorm.forward(x), step.Dropout));
    }

    /// <inheritdoc/>
    public Prelogits Prelogits(Tensor hidden) => new(Config.ScaleDecoderOutputs ? hidden * (1 / Math.Sqrt(Config.HiddenSize)) : hidden, head);

    /// <inheritdoc/>
    public Tensor Logits(Tensor hidden)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(Prelogits(hidden).Logits());
    }

    StepShape IStepModel.StepShape => new(Config.DecoderLayers, Config.HeadCount, Config.HeadDim, Config.DecoderLayers);

    StepShape ISourceStepModel.EncoderShape => new(1, Config.HeadCount, Config.HeadDim);

    string? IStepModel.StepObstacle => Activation.StepByName(Config.ActivationFunction) is null ? $"the activation {Config.ActivationFunction}" : null;

    int IStepModel.StepOutputs => Config.VocabSize;

    void IStepModel.Build(StepBuilder step)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        var x = step.Embed(shared);
        var bias = decoder.BiasOfDistances(step.Positions);
        foreach (var block in decoder.Blocks) x = block.Build(step, x, bias, isLast: block == decoder.Blocks[^1]);
        var norm = Config.ScaleDecoderOutputs ? new RmsNorm(decoder.FinalNorm.Weight.to(ScalarType.Float32) / Math.Sqrt(Config.HiddenSize), decoder.FinalNorm.Eps) : decoder.FinalNorm;
        step.Output(step.Norm(norm, x), head);
    }

    void ISourceStepModel.BuildSource(StepBuilder step)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        var x = step.Embed(shared);
        var bias = encoder.BiasOfDistances(step.Positions);
        foreach (var block in encoder.Blocks) x = block.Build(step, x, bias, isLast: false);
        var encoded = step.Norm(encoder.FinalNorm, x);
        foreach (var block in decoder.Blocks) block.BuildSource(step, encoded);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        encoder.Buckets.Dispose();
        decoder.Buckets.Dispose();
        ModelTensors.Free(this);
    }

    private Step NewStep(Tensor? sourceMask, SequenceToSequenceCache? cache) => new(sourceMask, cache, Training ? Dropout ?? Config.DropoutRate : 0, GradientCheckpointing && Training);

    /// <summary>What the blocks of one pass need.</summary>
    /// <param name="SourceMask">[batch, 1, 1, source], added to the scores of attention to the source; null for none.</param>
    /// <param name="Cache">The decoder's cache.</param>
    /// <param name="Dropout">Every dropout probability; 0 outside of training.</param>
    /// <param name="Checkpointed">Whether blocks are computed again for the gradient.</param>
    private sealed record Step(Tensor? SourceMask, SequenceToSequenceCache? Cache, double Dropout, bool Checkpointed);

    /// <summary>What encoder and decoder are made of alike.</summary>
    private sealed class Stack
    {
        private readonly Embedding relativeBias;   // [buckets, heads]
        private readonly int maxDistance;

        internal Stack(T5Config config, IParameterSource source, Func<Tensor, Tensor?, Tensor> act, string name, int layers, bool isDecoder, Device device)
        {
            maxDistance = config.RelativeAttentionMaxDistance;
            // The blocks of a stack share the embedding that is stored with the first.
            relativeBias = Embedding.Take(source, $"{name}.block.0.layer.0.SelfAttention.relative_attention_bias", config.RelativeAttentionNumBuckets, config.HeadCount);
            Blocks = [.. Enumerable.Range(0, layers).Select(i => new Block(config, source, act, $"{name}.block.{i}", i, isDecoder))];
            FinalNorm = RmsNorm.Take(source, $"{name}.final_layer_norm", config.HiddenSize, config.LayerNormEpsilon);
            Buckets = RelativeBuckets.Table(config.RelativeAttentionNumBuckets, maxDistance, bidirectional: !isDecoder, device);
        }

        internal Block[] Blocks { get; }

        internal RmsNorm FinalNorm { get; }

        /// <summary>[2 x distances + 1] int64: the bucket of every relative position.</summary>
        internal Tensor Buckets { get; }

        /// <summary>What is added to the scores of self-attention: the bias of every distance, and the mask.</summary>
        /// <param name="tokens">Number of new tokens; they are the last of the keys.</param>
        /// <param name="past">Tokens before them.</param>
        /// <param name="mask">[batch or 1, 1, tokens or 1, keys]; null for none.</param>
        /// <returns>[batch or 1, heads, tokens, keys].</returns>
        internal Tensor Scores(long tokens, long past, Tensor? mask)
        {
            var device = relativeBias.Weight.device;
            var from = torch.arange(past, past + tokens, device: device).unsqueeze(1);
            var to = torch.arange(past + tokens, device: device).unsqueeze(0);
            var relative = (to - from).clamp(-maxDistance, maxDistance) + maxDistance;   // [tokens, keys]
            var buckets = Buckets.index_select(0, relative.view(-1)).view(tokens, past + tokens);
            var bias = relativeBias.forward(buckets).permute(2, 0, 1).unsqueeze(0);      // [1, heads, tokens, keys]
            return mask is null ? bias : bias + mask;
        }

        /// <summary>The bias of every distance, key minus query, from -<paramref name="most"/> to <paramref name="most"/>.</summary>
        /// <returns>[heads, 2 x most + 1].</returns>
        internal Tensor BiasOfDistances(long most)
        {
            using var scope = torch.NewDisposeScope();
            var relative = torch.arange(-most, most + 1).clamp(-maxDistance, maxDistance) + maxDistance;
            return scope.MoveToOuter(relativeBias.forward(Buckets.index_select(0, relative)).t());
        }
    }

    private sealed class Block
    {
        private readonly int layer;
        private readonly SelfOrSource selfAttention;
        private readonly RmsNorm selfNorm;
        private readonly SelfOrSource? sourceAttention;
        private readonly RmsNorm? sourceNorm;
        private readonly RmsNorm feedForwardNorm;
        private readonly Linear up;
        private readonly Linear? linearUp;
        private readonly Linear down;
        private readonly Func<Tensor, Tensor?, Tensor> act;
        private readonly StepActivation stepAct;

        internal Block(T5Config config, IParameterSource source, Func<Tensor, Tensor?, Tensor> act, string name, int layer, bool isDecoder)
        {
            (this.layer, this.act) = (layer, act);
            stepAct = Activation.StepByName(config.ActivationFunction) ?? StepActivation.None;
            var (hidden, width) = (config.HiddenSize, config.IntermediateSize);
            selfAttention = new SelfOrSource(config, source, $"{name}.layer.0.SelfAttention");
            selfNorm = RmsNorm.Take(source, $"{name}.layer.0.layer_norm", hidden, config.LayerNormEpsilon);
            if (isDecoder)
            {
                sourceAttention = new SelfOrSource(config, source, $"{name}.layer.1.EncDecAttention");
                sourceNorm = RmsNorm.Take(source, $"{name}.layer.1.layer_norm", hidden, config.LayerNormEpsilon);
            }

            name = $"{name}.layer.{(isDecoder ? 2 : 1)}";
            up = Linear.Take(source, $"{name}.DenseReluDense.{(config.IsGated ? "wi_0" : "wi")}", hidden, width, bias: false);
            linearUp = config.IsGated ? Linear.Take(source, $"{name}.DenseReluDense.wi_1", hidden, width, bias: false) : null;
            // transformers holds it in few bits in no case (_keep_in_fp32_modules), and could not load a file that does.
            down = Linear.Take(source, $"{name}.DenseReluDense.wo", width, hidden, bias: false, isQuantizable: false);
            feedForwardNorm = RmsNorm.Take(source, $"{name}.layer_norm", hidden, config.LayerNormEpsilon);
        }

        internal Tensor forward(Tensor x, Tensor? encoded, Tensor scores, Step step)
        {
            using var scope = torch.NewDisposeScope();
            var (residual, normed) = selfNorm.Branch(x);
            var (query, key, value) = selfAttention.OfItself(normed);
            if (step.Cache is not null) (key, value) = step.Cache.Target.Append(layer, key, value);
            residual = DropAndAdd(residual, selfAttention.forward(query, key, value, scores, step.Dropout), step.Dropout);
            if (sourceAttention is not null)
            {
                (key, value) = step.Cache?.Source(layer, () => sourceAttention.KeysAndValues(encoded!)) ?? sourceAttention.KeysAndValues(encoded!);
                (residual, normed) = sourceNorm!.Branch(residual);
                residual = DropAndAdd(residual, sourceAttention.forward(sourceAttention.QueryOf(normed), key, value, step.SourceMask, step.Dropout), step.Dropout);
            }

            (residual, normed) = feedForwardNorm.Branch(residual);
            var wide = linearUp is null ? [up.forward(normed)] : Linear.Together(normed, up, linearUp);
            var inner = act(wide[0], linearUp is null ? null : wide[1]);
            return scope.MoveToOuter(DropAndAdd(residual, down.forward(Drop(inner, step.Dropout)), step.Dropout));
        }

        internal StepValue Build(StepBuilder step, StepValue x, Tensor bias, bool isLast)
        {
            using var end = step.Block();
            var (layerOfCache, sees) = sourceAttention is null ? (0, StepSees.All) : (layer, StepSees.Before);
            selfAttention.Build(step, x, selfAttention.MixOfItself(step, step.Norm(selfNorm, x), layerOfCache, sees, bias));
            if (sourceAttention is not null)
            {
                var mixed = sourceAttention.MixOfSource(step, step.Norm(sourceNorm!, x), layer);
                if (isLast) (x, mixed) = (step.Select(x), step.Select(mixed));
                sourceAttention.Build(step, x, mixed);
            }

            var normed = step.Norm(feedForwardNorm, x);
            step.Add(x, linearUp is null ? step.Factors(normed, up, stepAct) : step.Gate(step.Linear(normed, up, linearUp), stepAct), down);
            return x;
        }

        /// <summary>The keys and values that this block of a decoder keeps of a source.</summary>
        internal void BuildSource(StepBuilder step, StepValue encoded)
        {
            using var end = step.Block();
            sourceAttention!.BuildSource(step, encoded, layer);
        }
    }

    /// <summary>Attention of a text to itself, or to the source. Scores are not divided by the square root of the head's width.</summary>
    private sealed class SelfOrSource(T5Config config, IParameterSource source, string name)
    {
        private readonly int heads = config.HeadCount;
        private readonly int headDim = config.HeadDim;
        private readonly int width = config.HeadCount * config.HeadDim;
        private readonly double queryScale = Math.Sqrt(config.HeadDim);
        private readonly Linear query = Linear.Take(source, $"{name}.q", config.HiddenSize, config.HeadCount * config.HeadDim, bias: false);
        private readonly Linear key = Linear.Take(source, $"{name}.k", config.HiddenSize, config.HeadCount * config.HeadDim, bias: false);
        private readonly Linear value = Linear.Take(source, $"{name}.v", config.HiddenSize, config.HeadCount * config.HeadDim, bias: false);
        private readonly Linear output = Linear.Take(source, $"{name}.o", config.HeadCount * config.HeadDim, config.HiddenSize, bias: false);

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

        // Attention divides, so the query is multiplied.
        internal Tensor forward(Tensor queries, Tensor keys, Tensor values, Tensor? mask, double dropout) =>
            output.forward(new AttentionPattern(mask).Attend(queries * queryScale, keys, values, dropout));

        internal StepValue MixOfItself(StepBuilder step, StepValue x, int layer, StepSees sees, Tensor bias) =>
            step.Attend(step.Linear(x, query, key, value), Layout(layer) with { QueryAt = 0, KeyAt = width, ValueAt = 2 * width }, sees, scale: 1, bias: bias);

        internal StepValue MixOfSource(StepBuilder step, StepValue x, int layer) => step.Attend(step.Linear(x, query), Layout(layer) with { QueryAt = 0 }, StepSees.Source, scale: 1);

        internal void BuildSource(StepBuilder step, StepValue encoded, int layer) =>
            step.Attend(step.Linear(encoded, key, value), Layout(layer) with { KeyAt = 0, ValueAt = width, OfSource = 1 }, StepSees.Source);

        internal void Build(StepBuilder step, StepValue stream, StepValue mixed) => step.Add(stream, mixed, output);

        private HeadLayout Layout(int layer) => new()
        {
            Heads = heads, KeyHeads = heads, Dim = headDim, Layer = layer, QueryStep = headDim, KeyStep = headDim, ValueStep = headDim,
        };

        private Tensor Heads(Tensor x) => x.view(x.size(0), x.size(1), -1, headDim).transpose(1, 2);   // [batch, heads, tokens, head_dim]
    }
}

/// <summary>Kinds of distances between tokens: near ones each their own, farther ones in ranges that grow (Raffel et al., section 2.1; the reference's arithmetic, in float32).</summary>
internal static class RelativeBuckets
{
    /// <summary>The bucket of every relative position, key minus query, from -<paramref name="maxDistance"/> to <paramref name="maxDistance"/>; farther ones have those of the ends.</summary>
    /// <param name="buckets">Number of buckets, at least 4.</param>
    /// <param name="maxDistance">Distance from which on all share a bucket.</param>
    /// <param name="bidirectional">Whether tokens behind have buckets of their own; otherwise they have that of distance 0.</param>
    /// <param name="device">Where the table is put.</param>
    /// <returns>[2 x maxDistance + 1] int64, in no dispose scope.</returns>
    internal static Tensor Table(int buckets, int maxDistance, bool bidirectional, Device device)
    {
        using var scope = torch.NewDisposeScope();
        var own = bidirectional ? buckets / 2 : buckets;
        var exact = own / 2;
        var distance = torch.arange(maxDistance + 1);
        var far = (distance.to(ScalarType.Float32) / exact).log() / Math.Log((double)maxDistance / exact) * (own - exact);
        var ranged = (far.clamp(0, own).to(ScalarType.Int64) + exact).clamp(0, own - 1);
        var before = torch.where(distance.lt(exact), distance, ranged);                         // [distances + 1]
        var behind = bidirectional ? before + own : torch.zeros_like(before);
        return DisposeScope.Detach(torch.cat([before.flip(0), behind.narrow(0, 1, maxDistance)]).to(device));
    }
}
