using System.Text.Json.Nodes;
using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>A model that is only timed.</summary>
/// <param name="Model">The model.</param>
/// <param name="Lora">Its adapter; null for none.</param>
internal sealed record PlanModel<TModel>(TModel Model, LoraModel? Lora) : IDisposable
    where TModel : IPretrainedModel
{
    /// <summary>The weights that a training would change.</summary>
    public IReadOnlyList<NamedParameter> Trained => Lora?.Active?.Parameters ?? Model.Parameters;

    /// <inheritdoc/>
    public void Dispose()
    {
        Lora?.Dispose();
        Model.Dispose();
    }
}

/// <summary>What can be said of the memory of a model from its shape alone.</summary>
internal interface IPlanShape
{
    /// <summary>The adapter; null for none.</summary>
    LoraOptions? Lora { get; }

    /// <summary>Weights of an adapter: its own, or one of rank 16 where there is none.</summary>
    long Adapter { get; }

    /// <summary>Weights that are trained.</summary>
    long Trained { get; }

    /// <summary>Bytes of the weights as the run holds them, the adapter's included.</summary>
    long WeightBytes { get; }

    /// <summary>Whether matrix products are computed in 16 bits.</summary>
    bool Narrows(PrecisionMode precision);

    /// <summary>Bytes of the weights held in a way.</summary>
    long Held(WeightQuantization quantization, WeightType type);

    /// <summary>Bytes that a training of this shape keeps of a batch, by the formulas of <see cref="ModelMemory"/>.</summary>
    double Activations(int rows, int length, bool narrow, bool checkpointed);
}

/// <summary>The shape of a model of a run: what can be said of it, and how to make it, whole or with fewer blocks.</summary>
internal sealed class PlanShape<TModel> : IPlanShape
    where TModel : class, IPretrainedModel
{
    // The names that families have for their numbers of blocks.
    private static readonly string[] LayerKeys = ["num_hidden_layers", "n_layer", "num_layers", "encoder_layers", "decoder_layers", "num_decoder_layers"];

    private readonly ConfigJson config;
    private readonly Func<ConfigJson, IParameterSource, Device, TModel> build;
    private readonly Device device;
    private readonly ModelMemory memory;

    /// <summary>Looks at a configuration.</summary>
    /// <param name="config">What <c>config.json</c> says.</param>
    /// <param name="build">Makes the model.</param>
    /// <param name="lora">The adapter that is tuned on it; null for all weights.</param>
    /// <param name="device">Where it is put.</param>
    /// <exception cref="InvalidDataException">The configuration describes no such model.</exception>
    public PlanShape(ConfigJson config, Func<ConfigJson, IParameterSource, Device, TModel> build, LoraOptions? lora, Device device)
    {
        (this.config, this.build, Lora, this.device) = (config, build, lora, device);
        using var outline = build(config, new OutlineParameters(), Device.CPU);
        Sizes = Inspect.Sizes(outline.ToConfigJson(), outline);
        Layers = Sizes.Layers + (Sizes.DecoderLayers ?? 0);
        Parameters = outline.Parameters.Sum(parameter => parameter.Value.numel());
        var linears = outline.Linears.Where(layer => !layer.IsHead).ToList();
        Adapter = linears.Sum(layer => (lora?.R ?? 16) * (layer.Weight.InFeatures + layer.Weight.OutFeatures));
        Matrices = linears.Sum(layer => layer.Weight.InFeatures * layer.Weight.OutFeatures);
        memory = ModelMemory.Of(outline, Sizes, new ParameterCounts(Parameters, 0, 0, 0, 0, 0, 16, Adapter), 1, 1);
    }

    /// <inheritdoc/>
    public LoraOptions? Lora { get; }

    /// <summary>Layers and widths.</summary>
    public ModelSizes Sizes { get; }

    /// <summary>Blocks, of encoder and decoder together.</summary>
    public int Layers { get; }

    /// <summary>Weights.</summary>
    public long Parameters { get; }

    /// <inheritdoc/>
    public long Adapter { get; }

    /// <summary>Weights of matrices inside blocks.</summary>
    public long Matrices { get; }

    /// <inheritdoc/>
    public long Trained => Lora is null ? Parameters : Adapter;

    /// <inheritdoc/>
    public long WeightBytes => Held(Lora?.BaseQuantization ?? WeightQuantization.None, Lora?.BaseDtype ?? WeightType.Float32) + (Lora is null ? 0 : 4 * Adapter);

    /// <inheritdoc/>
    public bool Narrows(PrecisionMode precision) => precision == PrecisionMode.Bf16 || Lora is { BaseDtype: WeightType.Bfloat16 };

    /// <inheritdoc/>
    public long Held(WeightQuantization quantization, WeightType type) => quantization switch
    {
        WeightQuantization.Nf4 => memory.Nf4,
        WeightQuantization.Int8 => memory.Int8,
        _ => type == WeightType.Bfloat16 ? memory.BFloat16 : memory.Float32,
    };

    /// <inheritdoc/>
    public double Activations(int rows, int length, bool narrow, bool checkpointed)
    {
        using var outline = build(config, new OutlineParameters(), Device.CPU);
        var (inside, between, output) = ModelMemory.Activations(outline, Sizes, [.. outline.Linears.Where(layer => !layer.IsHead)], rows, length, narrow);
        return checkpointed ? ((double)Layers * between) + inside + output : ((double)Layers * inside) + output;
    }

    /// <summary>The model with random weights, and its adapter.</summary>
    /// <param name="layers">Blocks, of an encoder-decoder in each part; null for all.</param>
    public PlanModel<TModel> Make(int? layers)
    {
        var own = config;
        if (layers is { } few)
        {
            own = new ConfigJson((JsonObject)config.Root.DeepClone(), "the run's model");
            foreach (var key in LayerKeys.Where(own.Root.ContainsKey)) own.Root[key] = few;
            if (own.Root["layer_types"] is JsonArray types)
            {
                while (types.Count > few) types.RemoveAt(types.Count - 1);
            }
        }

        using var source = new PlanParameters(Lora, device);
        var model = build(own, source, device);
        if (Lora is null) return new PlanModel<TModel>(model, null);
        var lora = new LoraModel(model);
        try
        {
            var heads = model is ISequenceClassifier ? model.Linears.Where(layer => layer.IsHead).Select(layer => layer.Name) : [];
            lora.Add(Lora.ToConfig(model is ISequenceClassifier ? "SEQ_CLS" : "CAUSAL_LM", "") with { ModulesToSave = [.. heads] }, 1);
            return new PlanModel<TModel>(model, lora);
        }
        catch
        {
            lora.Dispose();
            model.Dispose();
            throw;
        }
    }
}
