using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>A classifier at work, from its own folder or from an adapter's and that of its base.</summary>
internal sealed class StudentModel : IDisposable
{
    private readonly LoraModel? lora;

    private StudentModel(ISequenceClassifier model, LoraModel? lora, string source)
    {
        Model = model;
        this.lora = lora;
        Source = source;
        Tokenizer = Tokenizer.FromFolder(source);
    }

    /// <summary>The classifier; dropout off.</summary>
    public ISequenceClassifier Model { get; }

    /// <summary>Its tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The folder of the whole model: for an adapter that of its base.</summary>
    public string Source { get; }

    /// <summary>Loads a classifier.</summary>
    /// <param name="folder">A classifier's folder, or a PEFT folder.</param>
    /// <param name="device">Where the weights are put.</param>
    /// <param name="adapterBase">The folder of an adapter's base; null to look for it where the adapter says.</param>
    /// <param name="dtype">The type of the weights; null for that in which an adapter's base was held when it was trained, else float32.</param>
    /// <exception cref="InvalidDataException">The folder holds no classifier, or an adapter that does not fit its base.</exception>
    public static StudentModel Load(string folder, Device device, string? adapterBase = null, ScalarType? dtype = null)
    {
        var options = AdaptedModel.Holding(folder, device);
        if (dtype is not null) options = options with { DType = dtype, Quantization = WeightQuantization.None };
        if (!AdapterFolder.Recognises(folder))
        {
            return Completed(AutoModel.LoadSequenceClassifier(folder, options), [], null, folder);
        }

        var source = adapterBase ?? AdapterFolder.BaseOf(folder);
        var model = AutoModel.LoadForSequenceClassification(source, Labels(folder, source), 0, out var fresh, options);
        return Completed(model, fresh, folder, source);
    }

    /// <summary>Adds an adapter to the weights.</summary>
    public void Merge() => lora?.Merge();

    /// <inheritdoc/>
    public void Dispose()
    {
        lora?.Dispose();
        Model.Dispose();
    }

    private static StudentModel Completed(ISequenceClassifier model, IReadOnlyList<string> fresh, string? adapter, string source)
    {
        LoraModel? lora = null;
        try
        {
            if (adapter is not null)
            {
                lora = new LoraModel(model);
                var names = lora.Load(adapter).Parameters.Select(parameter => parameter.Name).ToHashSet();
                if (fresh.FirstOrDefault(name => !names.Contains(LoraNames.Prefix + name)) is { } lost)
                {
                    throw new InvalidDataException($"{adapter}: neither the adapter nor its base in {source} has '{lost}', without which there is no classifier. Expected it in the adapter ('modules_to_save').");
                }
            }

            return new StudentModel(model, lora, source);
        }
        catch
        {
            lora?.Dispose();
            model.Dispose();
            throw;
        }
    }

    // PEFT's folders do not name labels: they are in a config.json beside the adapter, or the base's, or as many as the head has.
    private static IReadOnlyList<string> Labels(string folder, string source)
    {
        if (File.Exists(Path.Combine(folder, ConfigJson.FileName)) && LabelNames.Read(ConfigJson.Read(folder)) is { Count: > 1 } own) return own;
        using var stored = Checkpoint.Open(folder, Checkpoint.AdapterWeightsName);
        string[] heads = ["score.weight", "classifier.weight", "classifier.out_proj.weight", "classification_head.out_proj.weight"];
        var count = stored.Names.Where(name => heads.Any(head => LoraNames.Canonical(name, _ => false) == LoraNames.Prefix + head))
            .Select(name => stored.TryGet(name, out var tensor) && tensor.Entry.Shape.Length == 2 ? tensor.Entry.Shape[0] : 0).FirstOrDefault();
        var labels = LabelNames.Read(ConfigJson.Read(source));
        return labels.Count > 1 && (count == 0 || labels.Count == count) ? labels
            : count is > 1 and <= 1_000_000 ? [.. Enumerable.Range(0, (int)count).Select(i => $"LABEL_{i}")]
            : throw new InvalidDataException($"{folder} holds an adapter of no classifier: it has no head ({string.Join(", ", heads)}), and its base names no labels ('id2label').");
    }
}
