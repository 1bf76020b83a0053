using System.Text.Json.Nodes;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>A model with weights under Hugging Face's names. Not thread-safe.</summary>
public interface IPretrainedModel : IDisposable
{
    /// <summary>All weights, each once; a tied weight under the name it is stored by.</summary>
    IReadOnlyList<NamedParameter> Parameters { get; }

    /// <summary>Whether dropout is on. Off after construction.</summary>
    bool Training { get; set; }

    /// <summary>Replaces every dropout probability of the configuration; null leaves them as they are.</summary>
    double? Dropout { get; set; }

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

    /// <summary>The hidden states after the last normalisation.</summary>
    /// <param name="inputIds">[batch, tokens] int64.</param>
    /// <param name="attentionMask">[batch, cached + tokens] int64, 1 = a real token; null when there is no padding. The position of a token is the number of real tokens before it.
    /// Or, together with <paramref name="positionIds"/>, [batch, 1, tokens, cached + tokens] float32 that is added to the attention scores as it is: <see cref="AttentionMasks.Hidden"/> where a token may not look.</param>
    /// <param name="cache">Keys and values of the tokens before; those of <paramref name="inputIds"/> are added. Null computes without.</param>
    /// <param name="hiddenStates">Receives [batch, tokens, hidden] after the embedding, after each block but the last, and after the last normalisation; for comparing with a reference.</param>
    /// <param name="positionIds">[batch, tokens] int64, the position of every token, below <see cref="IPretrainedModel.MaxLength"/>; null to count real tokens. With it, more tokens than
    /// <see cref="IPretrainedModel.MaxLength"/> can be computed, for example the branches of a tree.</param>
    /// <returns>[batch, tokens, hidden].</returns>
    Tensor Hidden(Tensor inputIds, Tensor? attentionMask = null, KeyValueCache? cache = null, IList<Tensor>? hiddenStates = null, Tensor? positionIds = null);

    /// <summary>Next-token logits of hidden states, [..., hidden] to [..., vocabulary].</summary>
    Tensor Logits(Tensor hidden);

    /// <summary>An empty cache.</summary>
    /// <param name="batch">Rows.</param>
    /// <param name="capacity">The most tokens of a row, prompt and new ones together.</param>
    KeyValueCache NewCache(int batch, int capacity);
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
