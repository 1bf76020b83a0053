using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Builds a model whose configuration was read, from a source of weights on a device (the CPU when null).</summary>
internal delegate T ModelBuilder<out T>(IParameterSource source, Device? device);

/// <summary>One family of models: how its folders are called, and how its models are built. What is null the family does not have.</summary>
/// <param name="ModelType">Value of <c>model_type</c>.</param>
/// <param name="BasePrefix">Prefix that the base model's weights have in a model with a head and may lack in a file, or the other way round.</param>
/// <remarks>A builder reads the whole configuration before it returns, so that what is not supported is refused before any weight is read.</remarks>
internal sealed record ModelFamily(string ModelType, string BasePrefix)
{
    /// <summary>Prefixes of the weights of heads: left out where a model has another head, or ties it.</summary>
    public IReadOnlyList<string> HeadPrefixes { get; init; } = [];

    /// <summary>Weights that parts of a model share, under their main name, and the names they may have in a file instead or as well.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> OtherNames { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>A causal language model.</summary>
    public Func<ConfigJson, ModelBuilder<ICausalLanguageModel>>? CausalLanguageModel { get; init; }

    /// <summary>A classifier with these labels.</summary>
    public Func<ConfigJson, IReadOnlyList<string>, ModelBuilder<ISequenceClassifier>>? SequenceClassifier { get; init; }

    /// <summary>A masked language model.</summary>
    public Func<ConfigJson, ModelBuilder<IMaskedLanguageModel>>? MaskedLanguageModel { get; init; }

    /// <summary>An encoder with a decoder.</summary>
    public Func<ConfigJson, ModelBuilder<ISequenceToSequenceModel>>? SequenceToSequence { get; init; }

    /// <summary>A bare encoder.</summary>
    public Func<ConfigJson, ModelBuilder<BertModel>>? Encoder { get; init; }
}
