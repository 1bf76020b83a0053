using Understudy.Torch;

namespace Understudy.Models;

/// <summary>How weights are held once they are read.</summary>
public sealed record LoadOptions
{
    /// <summary>Where the weights are put.</summary>
    /// <value>The default value is the CPU.</value>
    public Device Device { get; init; } = Device.CPU;

    /// <summary>Type that floating-point weights are converted to; null keeps the type of the file.</summary>
    /// <value>The default value is float32.</value>
    public ScalarType? DType { get; init; } = ScalarType.Float32;

    /// <summary>How the matrices of linear layers are held. Each is quantised as it is read, from the memory map, so that the whole model is never in memory as it was.</summary>
    /// <value>The default value is none; a checkpoint that is in NF4 stays so.</value>
    public WeightQuantization Quantization { get; init; } = WeightQuantization.None;

    /// <summary>Whether int8 holds the output layer too, where it is not the embedding: for a small model it is half of what a token reads.</summary>
    /// <value>The default value is false: output layers stay as they are, as in bitsandbytes.</value>
    public bool QuantizeOutput { get; init; }

    /// <summary>Numbers that share a scale in NF4, one of <see cref="Nf4Weight.BlockSizes"/>.</summary>
    /// <value>The default value is 64.</value>
    public int Nf4BlockSize { get; init; } = 64;

    /// <summary>Whether the scales of NF4 are quantised too.</summary>
    /// <value>The default value is true.</value>
    public bool Nf4DoubleQuantization { get; init; } = true;

    /// <summary>See <see cref="GptNeoxConfig.RotaryFrequencyType"/>.</summary>
    /// <value>The default value is float32.</value>
    public ScalarType RotaryFrequencyType { get; init; } = ScalarType.Float32;
}

/// <summary>Loads models from Hugging Face folders: the family is that of <c>model_type</c>, the head that of the method, or for <see cref="Load"/> that of <c>architectures</c>.</summary>
/// <remarks>The configuration is read and refused before any weight is.</remarks>
public static class AutoModel
{
    /// <summary>The values of <c>model_type</c> that can be loaded.</summary>
    public static IReadOnlyList<string> ModelTypes { get; } = [.. Families(ScalarType.Float32).Select(family => family.ModelType)];

    /// <summary>Loads the model that the folder's <c>architectures</c> names.</summary>
    /// <param name="folder">A folder with <c>config.json</c> and <c>model.safetensors</c> or its shards.</param>
    /// <param name="options">How; null for float32 on the CPU.</param>
    /// <returns>An <see cref="ICausalLanguageModel"/>, <see cref="ISequenceClassifier"/>, <see cref="IMaskedLanguageModel"/>, <see cref="ISequenceToSequenceModel"/> or <see cref="BertModel"/>.</returns>
    /// <exception cref="InvalidDataException">The folder does not hold a supported model that fits its configuration.</exception>
    public static IPretrainedModel Load(string folder, LoadOptions? options = null)
    {
        options ??= new LoadOptions();
        var (json, family) = Read(folder, options);
        return Checked(folder, family, options, Builder(json, family));
    }

    /// <summary>Builds the model that a configuration describes without its weights: names and shapes are there, the numbers are not. It takes no memory, whatever its size, and computes nothing.</summary>
    /// <param name="path">A folder with a <c>config.json</c>, or such a file.</param>
    /// <exception cref="InvalidDataException">The configuration describes no supported model.</exception>
    public static IPretrainedModel Outline(string path)
    {
        var json = File.Exists(path) ? ConfigJson.ReadFile(path) : ConfigJson.Read(path);
        try
        {
            return Build(json, new OutlineParameters());
        }
        catch (OverflowException error)
        {
            throw json.Fault($"its sizes make a weight of more than {OutlineParameters.MostNumbers:N0} numbers, which no model has.", error);
        }
    }

    /// <summary>Builds the model that a configuration describes from any source of weights.</summary>
    internal static IPretrainedModel Build(ConfigJson json, IParameterSource source)
    {
        var (known, family) = Known(json, new LoadOptions());
        return Builder(known, family)(source, null);
    }

    /// <summary>Builds the causal language model of a configuration from any source of weights.</summary>
    internal static ICausalLanguageModel BuildCausalLanguageModel(ConfigJson json, IParameterSource source, Device device)
    {
        var (known, family) = Known(json, new LoadOptions());
        return (family.CausalLanguageModel ?? throw NoSuch(json, family, "a causal language model", family => family.CausalLanguageModel is not null, new LoadOptions()))(known)(source, device);
    }

    /// <summary>Builds a classifier on the body of a configuration from any source of weights.</summary>
    internal static ISequenceClassifier BuildSequenceClassifier(ConfigJson json, IReadOnlyList<string> labels, IParameterSource source, Device device)
    {
        var (known, family) = Known(json, new LoadOptions());
        return (family.SequenceClassifier ?? throw NoSuch(json, family, "a classifier", family => family.SequenceClassifier is not null, new LoadOptions()))(known, labels)(source, device);
    }

    /// <summary>Loads a causal language model.</summary>
    /// <inheritdoc cref="Load"/>
    public static ICausalLanguageModel LoadCausalLanguageModel(string folder, LoadOptions? options = null) =>
        LoadAs(folder, options, "a causal language model", family => family.CausalLanguageModel);

    /// <summary>Loads a model with its masked-LM head.</summary>
    /// <inheritdoc cref="Load"/>
    public static IMaskedLanguageModel LoadMaskedLanguageModel(string folder, LoadOptions? options = null) =>
        LoadAs(folder, options, "a masked language model", family => family.MaskedLanguageModel);

    /// <summary>Loads an encoder with its decoder.</summary>
    /// <inheritdoc cref="Load"/>
    public static ISequenceToSequenceModel LoadSequenceToSequenceModel(string folder, LoadOptions? options = null) =>
        LoadAs(folder, options, "an encoder-decoder model", family => family.SequenceToSequence);

    /// <summary>Loads a bare encoder, for embeddings.</summary>
    /// <inheritdoc cref="Load"/>
    public static BertModel LoadEncoder(string folder, LoadOptions? options = null) =>
        LoadAs(folder, options, "a bare encoder", family => family.Encoder);

    /// <summary>Loads a classifier that was saved as one.</summary>
    /// <inheritdoc cref="Load"/>
    public static ISequenceClassifier LoadSequenceClassifier(string folder, LoadOptions? options = null) =>
        LoadAs<ISequenceClassifier>(folder, options, "a classifier", family => family.SequenceClassifier is null ? null : json => Classifier(json, family));

    /// <summary>Loads a model as the beginning of a classifier: weights of a head it lacks are new, heads of other tasks are left out.</summary>
    /// <param name="folder">A folder of any family with classifiers: a language model, a bare encoder, or a classifier with other labels.</param>
    /// <param name="labels">Names of the classes, at least 2.</param>
    /// <param name="seed">Seed of the new weights.</param>
    /// <param name="newParameters">Names of the weights that are new.</param>
    /// <param name="options">How; null for float32 on the CPU.</param>
    /// <exception cref="InvalidDataException">The folder does not hold a supported model, or lacks weights of its body.</exception>
    public static ISequenceClassifier LoadForSequenceClassification(string folder, IReadOnlyList<string> labels, long seed, out IReadOnlyList<string> newParameters, LoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfLessThan(labels.Count, 2, nameof(labels));
        options ??= new LoadOptions();
        var (json, family) = Read(folder, options);
        var build = (family.SequenceClassifier ?? throw NoSuch(json, family, "a classifier", family => family.SequenceClassifier is not null, options))(json, [.. labels]);
        using var source = Source(folder, family, options, new RandomParameters(seed, json.Double("initializer_range", json.Double("init_std", 0.02)), options.Device));
        if (!LabelNames.Read(json).SequenceEqual(labels))
        {
            source.FreshPrefixes.Add("classification_head.");
            source.FreshPrefixes.Add("classifier.");
            source.FreshPrefixes.Add("score.");
        }

        var model = Finished(source, build(source, options.Device));
        newParameters = [.. source.NewParameters];
        if (newParameters.FirstOrDefault(name => !family.HeadPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)) && !name.Contains("pooler.", StringComparison.Ordinal)) is { } lost)
        {
            model.Dispose();
            throw new InvalidDataException($"{folder} lacks weights of the model itself, for example '{lost}' ({newParameters.Count} weights in all). Only the head of a classifier may be new. Is this the checkpoint of another architecture?");
        }

        return model;
    }

    /// <summary>A new classifier with random weights.</summary>
    public static ISequenceClassifier NewSequenceClassifier(BertConfig config, long seed, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        return NewSequenceClassifier(config, new RandomParameters(seed, config.InitializerRange, device));
    }

    /// <summary>A classifier with weights from any source.</summary>
    internal static ISequenceClassifier NewSequenceClassifier(BertConfig config, IParameterSource source) =>
        config.IsRoberta ? new RobertaForSequenceClassification(config, source) : new BertForSequenceClassification(config, source);

    private static IReadOnlyList<ModelFamily> Families(ScalarType rotaryFrequencyType) =>
    [
        BartForConditionalGeneration.Family,
        BertModel.Family,
        Gpt2LMHeadModel.Family,
        GptNeoxForCausalLM.Family(rotaryFrequencyType),
        LlamaForCausalLM.Family,
        MistralForCausalLM.Family,
        Qwen2ForCausalLM.Family,
        Qwen3ForCausalLM.Family,
        Roberta.Family,
        T5ForConditionalGeneration.Family,
    ];

    private static (ConfigJson Json, ModelFamily Family) Read(string folder, LoadOptions options)
    {
        FolderReplacement.Recover(folder);
        return Known(ConfigJson.Read(folder), options);
    }

    private static (ConfigJson Json, ModelFamily Family) Known(ConfigJson json, LoadOptions options)
    {
        var type = json.String("model_type");
        var family = Families(options.RotaryFrequencyType).FirstOrDefault(family => family.ModelType == type);
        if (family is null) throw json.Unsupported("model_type", type, string.Join(", ", ModelTypes));
        ModelQuantization.Check(json, options);
        return (json, family);
    }

    private static T LoadAs<T>(string folder, LoadOptions? options, string kind, Func<ModelFamily, Func<ConfigJson, ModelBuilder<T>>?> choose)
        where T : IPretrainedModel
    {
        options ??= new LoadOptions();
        var (json, family) = Read(folder, options);
        var build = choose(family) ?? throw NoSuch(json, family, kind, family => choose(family) is not null, options);
        return Checked(folder, family, options, build(json));
    }

    // What the class of transformers is called says which head the file has; a file that does not say, or says that it has none, has the family's first.
    private static ModelBuilder<IPretrainedModel> Builder(ConfigJson json, ModelFamily family)
    {
        var architecture = json.Strings("architectures") is { Count: > 0 } names ? names[0] : "";
        bool Is(params ReadOnlySpan<string> endings)
        {
            foreach (var ending in endings)
            {
                if (architecture.EndsWith(ending, StringComparison.Ordinal)) return true;
            }

            return false;
        }

        var bare = architecture.Length == 0 || architecture.Equals($"{family.ModelType.Replace("_", "", StringComparison.Ordinal)}Model", StringComparison.OrdinalIgnoreCase);
        return architecture switch
        {
            _ when Is("ForSequenceClassification") && family.SequenceClassifier is not null => Classifier(json, family),
            _ when Is("ForMaskedLM", "ForPreTraining") && family.MaskedLanguageModel is { } masked => masked(json),
            _ when Is("ForConditionalGeneration", "WithLMHeadModel") && family.SequenceToSequence is { } pair => pair(json),
            _ when Is("ForCausalLM", "LMHeadModel") && family.CausalLanguageModel is { } causal => causal(json),
            _ when bare && family.CausalLanguageModel is { } causal => causal(json),
            _ when bare && family.SequenceToSequence is { } pair => pair(json),
            _ when bare && family.Encoder is { } encoder => encoder(json),
            _ => throw json.Unsupported("architectures", architecture, $"of the family '{family.ModelType}', names that end in {string.Join(", ", Kinds(family))}; or none"),
        };
    }

    private static IEnumerable<string> Kinds(ModelFamily family)
    {
        if (family.CausalLanguageModel is not null) yield return "ForCausalLM";
        if (family.SequenceToSequence is not null) yield return "ForConditionalGeneration";
        if (family.SequenceClassifier is not null) yield return "ForSequenceClassification";
        if (family.MaskedLanguageModel is not null) yield return "ForMaskedLM";
        yield return "Model";
    }

    private static ModelBuilder<ISequenceClassifier> Classifier(ConfigJson json, ModelFamily family)
    {
        var labels = LabelNames.Read(json);
        var builder = family.SequenceClassifier!(json, labels);
        if (labels.Count == 0)
        {
            throw json.Fault("it names no labels ('id2label'), so this is not a classifier. To train one from this checkpoint, give the labels.");
        }

        return labels.GroupBy(label => label).FirstOrDefault(group => group.Count() > 1 || string.IsNullOrWhiteSpace(group.Key)) is { } unclear
            ? throw json.Fault($"'id2label' has the name '{unclear.Key}' {unclear.Count()} time(s); expected a name of its own for every class.")
            : builder;
    }

    private static InvalidDataException NoSuch(ConfigJson json, ModelFamily family, string kind, Func<ModelFamily, bool> has, LoadOptions options) => json.Unsupported(
        "model_type", family.ModelType, $"{string.Join(", ", Families(options.RotaryFrequencyType).Where(has).Select(other => other.ModelType))} (as {kind})");

    private static T Checked<T>(string folder, ModelFamily family, LoadOptions options, ModelBuilder<T> build)
        where T : IPretrainedModel
    {
        using var source = Source(folder, family, options, null);
        return Finished(source, build(source, options.Device));
    }

    private static CheckpointParameters Source(string folder, ModelFamily family, LoadOptions options, IParameterSource? fallback)
    {
        var source = new CheckpointParameters(folder, family.BasePrefix, fallback, options);
        foreach (var prefix in family.HeadPrefixes) source.IgnoredPrefixes.Add(prefix);
        foreach (var (name, others) in family.OtherNames) source.OtherNames[name] = others;
        return source;
    }

    private static T Finished<T>(CheckpointParameters source, T model)
        where T : IPretrainedModel
    {
        try
        {
            source.Finish();
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
