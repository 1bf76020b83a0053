using Understudy.Torch;
using static Understudy.Models.DropoutLayer;

namespace Understudy.Models;

/// <summary>The encoder that BERT and RoBERTa share: embeddings, then post-norm blocks (layout of transformers' <c>BertModel</c>).</summary>
/// <remarks>The families differ in how positions are counted, and in their heads.</remarks>
public sealed class BertEncoder
{
    private readonly BertConfig config;
    private readonly Embedding words;
    private readonly Embedding positions;
    private readonly Embedding types;
    private readonly LayerNorm norm;
    private readonly Block[] blocks;

    /// <summary>Takes the encoder's weights from a source.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="source">A checkpoint or new weights.</param>
    /// <param name="prefix"><c>bert.</c>, <c>roberta.</c>, or nothing for a bare encoder.</param>
    public BertEncoder(BertConfig config, IParameterSource source, string prefix)
    {
        this.config = config;
        var act = Activation.ByName(config.HiddenAct, new ConfigJson(config.ToJson(""), ConfigJson.FileName));
        words = Embedding.Take(source, $"{prefix}embeddings.word_embeddings", config.VocabSize, config.HiddenSize, config.PadTokenId);
        positions = Embedding.Take(source, $"{prefix}embeddings.position_embeddings", config.MaxPositionEmbeddings, config.HiddenSize, config.IsRoberta ? config.PadTokenId : -1);
        types = Embedding.Take(source, $"{prefix}embeddings.token_type_embeddings", config.TypeVocabSize, config.HiddenSize);
        norm = LayerNorm.Take(source, $"{prefix}embeddings.LayerNorm", config.HiddenSize, config.LayerNormEps);
        blocks = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(i => new Block(config, source, act, $"{prefix}encoder.layer.{i}"))];
    }

    /// <summary>The word embedding, which the masked-LM head shares.</summary>
    public Tensor WordEmbeddings => words.Weight;

    /// <summary>The last hidden states.</summary>
    /// <param name="inputIds">[batch, tokens] int64.</param>
    /// <param name="attentionMask">[batch, tokens] int64, 1 = a real token; null when all are.</param>
    /// <param name="tokenTypeIds">[batch, tokens] int64; null for all 0.</param>
    /// <param name="dropout">Probabilities in training; null for none.</param>
    /// <param name="hiddenStates">Receives [batch, tokens, hidden] after the embeddings and after each block.</param>
    /// <param name="checkpointed">Whether a block's inside is computed again for its gradient.</param>
    /// <returns>[batch, tokens, hidden].</returns>
    /// <exception cref="ArgumentException">More tokens than the model has positions for.</exception>
    public Tensor forward(Tensor inputIds, Tensor? attentionMask, Tensor? tokenTypeIds, (double Hidden, double Attention)? dropout = null, IList<Tensor>? hiddenStates = null, bool checkpointed = false)
    {
        var tokens = inputIds.size(1);
        if (tokens > config.MaxLength)
        {
            throw new ArgumentException($"A row of {tokens} tokens was given; the model takes at most {config.MaxLength}. Shorten the text or set max_length.", nameof(inputIds));
        }

        using var scope = torch.NewDisposeScope();
        var (hidden, attention) = dropout ?? (0, 0);
        var unpadding = hiddenStates is null ? Unpadding.Of(attentionMask) : null;
        var pattern = unpadding is null ? new AttentionPattern(AttentionMasks.Padding(attentionMask)) : new AttentionPattern(Starts: unpadding.Starts);
        var place = Positions(inputIds, tokens);
        var typeIds = tokenTypeIds ?? torch.zeros([1, tokens], ScalarType.Int64, inputIds.device);
        if (unpadding is not null) (inputIds, typeIds, place) = (unpadding.Pack(inputIds), unpadding.Pack(typeIds), unpadding.Pack(place));
        var x = norm.forward(words.forward(inputIds) + types.forward(typeIds) + positions.forward(place));   // [batch, tokens, hidden]
        x = Drop(x, hidden);
        hiddenStates?.Add(x);
        foreach (var block in blocks)
        {
            x = Blocks.Run(checkpointed, x, input => block.forward(input, pattern, hidden, attention));
            hiddenStates?.Add(x);
        }

        if (hiddenStates is not null)
        {
            scope.MoveToOuter(hiddenStates.Where(state => state != x));
        }

        return scope.MoveToOuter(unpadding?.Unpack(x) ?? x);
    }

    /// <summary>What the cache of an inference step holds: no layer needs the keys and values of the one before.</summary>
    internal StepShape StepShape => new(1, config.NumAttentionHeads, config.HiddenSize / config.NumAttentionHeads);

    /// <summary>What a step cannot compute of it; null where it can.</summary>
    internal string? StepObstacle => Activation.StepByName(config.HiddenAct) is null ? $"the activation {config.HiddenAct}" : null;

    /// <summary>The token that positions are counted without; null for none.</summary>
    internal int? StepPadding => config.IsRoberta ? config.PadTokenId : null;

    /// <summary>Writes down what it computes.</summary>
    /// <param name="step">Where.</param>
    /// <param name="isSelected">Whether the selected tokens' last hidden states are wanted rather than those of all.</param>
    internal StepStream Build(StepBuilder step, bool isSelected)
    {
        var sum = step.Embed(words);
        step.AddEmbedding(sum, types, StepLookup.Types);
        step.AddEmbedding(sum, positions, StepLookup.Positions, config.IsRoberta ? config.PadTokenId + 1 : 0);
        var x = step.Stream(sum);
        step.NormInPlace(norm, x);
        foreach (var block in blocks) x = block.Build(step, x, isSelected && block == blocks[^1]);
        return x;
    }

    private Tensor Positions(Tensor inputIds, long tokens)
    {
        if (!config.IsRoberta)
        {
            return torch.arange(tokens, device: inputIds.device).unsqueeze(0);
        }

        // RoBERTa counts the tokens that are not padding, by their id and not by the mask, from pad + 1; padding stays at pad.
        var real = inputIds.ne(config.PadTokenId).to(ScalarType.Int64);
        return real.cumsum(1) * real + config.PadTokenId;
    }

    private sealed class Block
    {
        private readonly int heads;
        private readonly int headDim;
        private readonly Linear query;
        private readonly Linear key;
        private readonly Linear value;
        private readonly Linear attentionOutput;
        private readonly LayerNorm attentionNorm;
        private readonly Linear up;
        private readonly Linear down;
        private readonly LayerNorm outputNorm;
        private readonly Func<Tensor, Tensor> act;
        private readonly StepActivation stepAct;

        internal Block(BertConfig config, IParameterSource source, Func<Tensor, Tensor> act, string name)
        {
            this.act = act;
            stepAct = Activation.StepByName(config.HiddenAct) ?? StepActivation.None;
            heads = config.NumAttentionHeads;
            var hidden = config.HiddenSize;
            headDim = hidden / heads;
            query = Linear.Take(source, $"{name}.attention.self.query", hidden, hidden);
            key = Linear.Take(source, $"{name}.attention.self.key", hidden, hidden);
            value = Linear.Take(source, $"{name}.attention.self.value", hidden, hidden);
            attentionOutput = Linear.Take(source, $"{name}.attention.output.dense", hidden, hidden);
            attentionNorm = LayerNorm.Take(source, $"{name}.attention.output.LayerNorm", hidden, config.LayerNormEps);
            up = Linear.Take(source, $"{name}.intermediate.dense", hidden, config.IntermediateSize);
            down = Linear.Take(source, $"{name}.output.dense", config.IntermediateSize, hidden);
            outputNorm = LayerNorm.Take(source, $"{name}.output.LayerNorm", hidden, config.LayerNormEps);
        }

        internal Tensor forward(Tensor x, AttentionPattern pattern, double hiddenDropout, double attentionDropout)
        {
            var parts = Linear.Together(x, query, key, value);   // each [batch, tokens, hidden]
            var joined = pattern.Attend(Split(parts[0]), Split(parts[1]), Split(parts[2]), attentionDropout);   // [batch, tokens, hidden]
            var (residual, inner) = attentionNorm.Twice(DropAndAdd(x, attentionOutput.forward(joined), hiddenDropout));
            return outputNorm.forward(DropAndAdd(residual, down.forward(act(up.forward(inner))), hiddenDropout));
        }

        internal StepStream Build(StepBuilder step, StepStream x, bool isSelected)
        {
            using var end = step.Block();
            var layout = new HeadLayout
            {
                Heads = heads, KeyHeads = heads, Dim = headDim,
                QueryAt = 0, KeyAt = heads * headDim, ValueAt = 2 * heads * headDim, QueryStep = headDim, KeyStep = headDim, ValueStep = headDim,
            };
            var mixed = step.Attend(step.Linear(x.Factors, query, key, value), layout, StepSees.All);
            if (isSelected) (x, mixed) = (step.Select(x), step.Select(mixed));
            step.Add(x.Rows, mixed, attentionOutput);
            step.NormInPlace(attentionNorm, x);
            step.Add(x.Rows, step.Factors(x.Factors, up, stepAct), down);
            step.NormInPlace(outputNorm, x);
            return x;
        }

        private Tensor Split(Tensor x) => x.view(x.size(0), x.size(1), heads, x.size(2) / heads).transpose(1, 2);
    }
}
