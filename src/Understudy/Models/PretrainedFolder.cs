using System.Text;
using System.Text.Json;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Loading models from Hugging Face folders and saving them there.</summary>
public static class PretrainedFolder
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Loads a causal language model.</summary>
    /// <param name="folder">A folder with <c>config.json</c> and <c>model.safetensors</c> or its shards.</param>
    /// <param name="device">Where the weights are put; the CPU when null.</param>
    /// <param name="dtype">Type the weights are converted to.</param>
    /// <param name="rotaryFrequencyType">See <see cref="GptNeoxConfig.RotaryFrequencyType"/>.</param>
    /// <exception cref="InvalidDataException">The folder does not hold a supported causal model that fits its configuration.</exception>
    public static ICausalLanguageModel LoadCausalLanguageModel(string folder, Device? device = null, ScalarType dtype = ScalarType.Float32, ScalarType rotaryFrequencyType = ScalarType.Float32)
    {
        var json = ConfigJson.Read(folder);
        var type = json.String("model_type");
        if (type != GptNeoxConfig.ModelType)
        {
            throw json.Unsupported("model_type", type, GptNeoxConfig.ModelType + " (as a causal language model)");
        }

        var config = GptNeoxConfig.From(json) with { RotaryFrequencyType = rotaryFrequencyType };
        using var source = new CheckpointParameters(folder, "gpt_neox.", null, dtype, device);
        return Checked(source, new GptNeoxForCausalLM(config, source, device));
    }

    /// <summary>Loads a classifier that was saved as one.</summary>
    /// <exception cref="InvalidDataException">The folder does not hold a supported classifier that fits its configuration.</exception>
    public static ISequenceClassifier LoadSequenceClassifier(string folder, Device? device = null)
    {
        var json = ConfigJson.Read(folder);
        var config = BertConfig.From(json);
        if (config.Labels.Count == 0)
        {
            throw json.Fault("it names no labels ('id2label'), so this is not a classifier. To train one from this checkpoint, give the labels.");
        }

        if (config.Labels.GroupBy(label => label).FirstOrDefault(group => group.Count() > 1 || string.IsNullOrWhiteSpace(group.Key)) is { } unclear)
        {
            throw json.Fault($"'id2label' has the name '{unclear.Key}' {unclear.Count()} time(s); expected a name of its own for every class.");
        }

        using var source = new CheckpointParameters(folder, Prefix(config), null, ScalarType.Float32, device);
        return Checked(source, Build(config, source));
    }

    /// <summary>Loads an encoder as the beginning of a classifier: weights of a head it lacks are new, heads of other tasks are left out.</summary>
    /// <param name="folder">A BERT or RoBERTa folder: masked LM, bare encoder, or a classifier with other labels.</param>
    /// <param name="labels">Names of the classes, at least 2.</param>
    /// <param name="seed">Seed of the new weights.</param>
    /// <param name="newParameters">Names of the weights that are new.</param>
    /// <param name="device">Where the weights are put; the CPU when null.</param>
    /// <exception cref="InvalidDataException">The folder does not hold a supported encoder.</exception>
    public static ISequenceClassifier LoadForSequenceClassification(string folder, IReadOnlyList<string> labels, long seed, out IReadOnlyList<string> newParameters, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfLessThan(labels.Count, 2, nameof(labels));
        var stored = BertConfig.From(ConfigJson.Read(folder));
        var config = stored with { Labels = [.. labels] };
        using var source = new CheckpointParameters(folder, Prefix(config), new RandomParameters(seed, config.InitializerRange, device), ScalarType.Float32, device)
        {
            IgnoredPrefixes = { "lm_head.", "cls.", "qa_outputs.", "pooler.", "roberta.pooler." },
        };
        var sameLabels = stored.Labels.SequenceEqual(labels);
        if (!sameLabels)
        {
            source.IgnoredPrefixes.Add("classifier.");
            source.FreshPrefixes.Add("classifier.");
        }

        var model = Checked(source, Build(config, source));
        newParameters = [.. source.NewParameters];
        if (newParameters.FirstOrDefault(name => !name.StartsWith("classifier.", StringComparison.Ordinal) && !name.Contains("pooler.", StringComparison.Ordinal)) is { } lost)
        {
            model.Dispose();
            throw new InvalidDataException($"{folder} lacks weights of the encoder itself, for example '{lost}' ({newParameters.Count} weights in all). Only the head of a classifier may be new. Is this the checkpoint of another architecture?");
        }

        return model;
    }

    /// <summary>Loads a RoBERTa with its masked-LM head.</summary>
    public static RobertaForMaskedLM LoadMaskedLanguageModel(string folder, Device? device = null)
    {
        var json = ConfigJson.Read(folder);
        var config = BertConfig.From(json);
        if (!config.IsRoberta)
        {
            throw json.Unsupported("model_type", config.ModelType, "roberta (as a masked language model)");
        }

        using var source = new CheckpointParameters(folder, "roberta.", null, ScalarType.Float32, device) { IgnoredPrefixes = { "lm_head.decoder.", "roberta.pooler." } };
        return Checked(source, new RobertaForMaskedLM(config, source));
    }

    /// <summary>Loads a bare BERT or RoBERTa encoder, for embeddings.</summary>
    public static BertModel LoadEncoder(string folder, Device? device = null)
    {
        var config = BertConfig.From(ConfigJson.Read(folder));
        using var source = new CheckpointParameters(folder, Prefix(config), null, ScalarType.Float32, device)
        {
            IgnoredPrefixes = { "pooler.", Prefix(config) + "pooler.", "classifier.", "lm_head.", "cls." },
        };
        return Checked(source, new BertModel(config, source));
    }

    /// <summary>A new classifier with random weights.</summary>
    public static ISequenceClassifier NewSequenceClassifier(BertConfig config, long seed, Device? device = null) =>
        Build(config, new RandomParameters(seed, config.InitializerRange, device));

    /// <summary>
    /// Writes <c>model.safetensors</c>, <c>tokenizer.json</c> and <c>config.json</c>, in this order: each file appears whole or not at all, and
    /// a new folder with a <c>config.json</c> is complete.
    /// </summary>
    /// <param name="model">The model; its weights are written in the type they have.</param>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="tokenizer">The model's tokenizer; null writes none.</param>
    public static void Save(IPretrainedModel model, string folder, Tokenizer? tokenizer = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        Directory.CreateDirectory(folder);
        WeightFile.Write(Path.Combine(folder, Checkpoint.WeightsName), model.Parameters);
        tokenizer?.Save(Path.Combine(folder, "tokenizer.json"));
        WriteConfig(Path.Combine(folder, ConfigJson.FileName), model.ToConfigJson().ToJsonString(Indented) + "\n");
    }

    private static void WriteConfig(string path, string json)
    {
        var temporary = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(new UTF8Encoding(false).GetBytes(json));
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static string Prefix(BertConfig config) => config.IsRoberta ? "roberta." : "bert.";

    private static ISequenceClassifier Build(BertConfig config, IParameterSource source) =>
        config.IsRoberta ? new RobertaForSequenceClassification(config, source) : new BertForSequenceClassification(config, source);

    private static T Checked<T>(CheckpointParameters source, T model)
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
