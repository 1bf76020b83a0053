using System.Text.Json.Nodes;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>A model with weights under Hugging Face's names. Not thread-safe.</summary>
public interface IPretrainedModel : IDisposable
{
    /// <summary>All weights, each once; a tied weight under the name it is stored by.</summary>
    IReadOnlyList<NamedParameter> Parameters { get; }

    /// <summary>What a checkpoint holds beside the weights and no training changes.</summary>
    IReadOnlyList<NamedParameter> Buffers => [];

    /// <summary>All linear layers by name, the output layer included: what adapters are put on.</summary>
    IReadOnlyList<Linear> Linears { get; }

    /// <summary>Whether dropout is on. Off after construction.</summary>
    bool Training { get; set; }

    /// <summary>Replaces every dropout probability of the configuration; null leaves them as they are.</summary>
    double? Dropout { get; set; }

    /// <summary>Whether a training keeps only what goes into each block and computes the block again for its gradient (Chen et al., arXiv 1604.06174). Gradients are the same. Off after construction.</summary>
    bool GradientCheckpointing { get; set; }

    /// <summary>The most tokens of a row, special tokens included.</summary>
    int MaxLength { get; }

    /// <summary>What <c>config.json</c> says: architecture, sizes, names of the labels.</summary>
    JsonObject ToConfigJson();
}

/// <summary>Token ids in, next-token logits out, with a cache for generation.</summary>
public interface ICausalLanguageModel : IPretrainedModel
{
    /// <summary>Number of logits per token.</summary>
    int VocabularySize { get; }

    /// <summary>Width of the hidden states.</summary>
    int HiddenSize { get; }

    /// <summary>The hidden states after the last normalisation.</summary>
    /// <param name="inputIds">[batch, tokens] int64.</param>
    /// <param name="attentionMask">[batch, cached + tokens] int64, 1 = a real token; null when there is no padding. The position of a token is the number of real tokens before it.
    /// Or, together with <paramref name="positionIds"/>, [batch, 1, tokens, cached + tokens] float32 that is added to the attention scores as it is: <see cref="AttentionMasks.Hidden"/> where a token may not look.</param>
    /// <param name="cache">Keys and values of the tokens before; those of <paramref name="inputIds"/> are added. Null computes without.</param>
    /// <param name="hiddenStates">Receives [batch, tokens, hidden] after the embedding, after each block but the last, and after the last normalisation; for comparing with a reference.</param>
    /// <param name="positionIds">[batch, tokens] int64, the position of every token, below <see cref="IPretrainedModel.MaxLength"/>; null to count real tokens. With it, more tokens than
    /// <see cref="IPretrainedModel.MaxLength"/> can be computed, for example the branches of a tree.</param>
    /// <returns>[batch, tokens, hidden]; what stands at padding says nothing, and may be zeros.</returns>
    Tensor Hidden(Tensor inputIds, Tensor? attentionMask = null, KeyValueCache? cache = null, IList<Tensor>? hiddenStates = null, Tensor? positionIds = null);

    /// <summary>What makes next-token logits of hidden states.</summary>
    /// <param name="hidden">[..., hidden].</param>
    Prelogits Prelogits(Tensor hidden);

    /// <summary>Next-token logits of hidden states, [..., hidden] to [..., vocabulary].</summary>
    Tensor Logits(Tensor hidden);

    /// <summary>An empty cache.</summary>
    /// <param name="batch">Rows.</param>
    /// <param name="capacity">The most tokens of a row, prompt and new ones together.</param>
    KeyValueCache NewCache(int batch, int capacity);
}

/// <summary>Token ids in, one logit per token of the vocabulary at every place out.</summary>
public interface IMaskedLanguageModel : IPretrainedModel
{
    /// <summary>Number of logits per token.</summary>
    int VocabularySize { get; }

    /// <summary>The last hidden states.</summary>
    /// <param name="inputIds">[batch, tokens] int64.</param>
    /// <param name="attentionMask">[batch, tokens] int64, 1 = a real token; null when all are.</param>
    /// <param name="tokenTypeIds">[batch, tokens] int64; null for all 0.</param>
    /// <returns>[batch, tokens, hidden]; what stands at padding says nothing.</returns>
    Tensor Hidden(Tensor inputIds, Tensor? attentionMask = null, Tensor? tokenTypeIds = null);

    /// <summary>What makes logits of hidden states: a loss over few of the tokens need not compute those of all.</summary>
    /// <param name="hidden">[..., hidden].</param>
    Prelogits Prelogits(Tensor hidden);

    /// <summary>Logits of every token at every place.</summary>
    /// <param name="inputIds">[batch, tokens] int64.</param>
    /// <param name="attentionMask">[batch, tokens] int64, 1 = a real token; null when all are.</param>
    /// <param name="tokenTypeIds">[batch, tokens] int64; null for all 0.</param>
    /// <returns>[batch, tokens, vocabulary].</returns>
    Tensor Forward(Tensor inputIds, Tensor? attentionMask = null, Tensor? tokenTypeIds = null);
}

/// <summary>A source text in, next-token logits of a target out.</summary>
public interface ISequenceToSequenceModel : IPretrainedModel
{
    /// <summary>Number of logits per token.</summary>
    int VocabularySize { get; }

    /// <summary>Id that every target begins with; labels shifted right by it are the decoder's input.</summary>
    int DecoderStartTokenId { get; }

    /// <summary>Id of the padding token.</summary>
    int PadTokenId { get; }

    /// <summary>Ids that end a target; empty when the configuration names none.</summary>
    IReadOnlyList<int> EosTokenIds { get; }

    /// <summary>The most tokens of a target, the start token included.</summary>
    int MaxTargetLength { get; }

    /// <summary>Hidden states of a source.</summary>
    /// <param name="inputIds">[batch, source] int64, padded on the right.</param>
    /// <param name="attentionMask">[batch, source] int64, 1 = a real token; null when all are.</param>
    /// <returns>[batch, source, hidden].</returns>
    Tensor Encode(Tensor inputIds, Tensor? attentionMask = null);

    /// <summary>Hidden states of a target.</summary>
    /// <param name="decoderInputIds">[batch, target] int64, beginning with <see cref="DecoderStartTokenId"/>; with a cache the new tokens alone.</param>
    /// <param name="encoded">[batch, source, hidden] of <see cref="Encode"/>; with a cache it is read at the first call only.</param>
    /// <param name="attentionMask">[batch, source] int64, the source's mask; null when all are real.</param>
    /// <param name="cache">Keys and values of the target so far and of the source. Null computes without.</param>
    /// <param name="decoderAttentionMask">[batch, target] int64, 1 = a real token of a target padded on the right; what is computed for the rest then says nothing. Null when all are real; not with a cache.</param>
    /// <returns>[batch, target, hidden].</returns>
    Tensor Decode(Tensor decoderInputIds, Tensor encoded, Tensor? attentionMask = null, SequenceToSequenceCache? cache = null, Tensor? decoderAttentionMask = null);

    /// <summary>What makes next-token logits of hidden states.</summary>
    /// <param name="hidden">[..., hidden].</param>
    Prelogits Prelogits(Tensor hidden);

    /// <summary>Next-token logits of hidden states, [..., hidden] to [..., vocabulary].</summary>
    Tensor Logits(Tensor hidden);

    /// <summary>An empty cache.</summary>
    /// <param name="batch">Rows.</param>
    /// <param name="capacity">The most tokens of a target, the start token included.</param>
    SequenceToSequenceCache NewCache(int batch, int capacity);
}

/// <summary>Token ids in, one logit per class out.</summary>
public interface ISequenceClassifier : IPretrainedModel
{
    /// <summary>Names of the classes in the order of the logits.</summary>
    IReadOnlyList<string> Labels { get; }

    /// <summary>Logits of the classes.</summary>
    /// <param name="inputIds">[batch, tokens] int64, padded on the right.</param>
    /// <param name="attentionMask">[batch, tokens] int64, 1 = a real token; null when there is no padding.</param>
    /// <param name="tokenTypeIds">[batch, tokens] int64; null for all 0.</param>
    /// <returns>[batch, classes].</returns>
    Tensor Forward(Tensor inputIds, Tensor? attentionMask = null, Tensor? tokenTypeIds = null);
}
