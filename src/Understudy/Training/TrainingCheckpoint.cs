using System.Text.Json;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Training;

/// <summary>Weights, optimiser state and progress in one safetensors file, which is replaced in one step: a kill leaves the old or the new one.</summary>
public static class TrainingCheckpoint
{
    /// <summary>The file to continue from, in the folder of a training.</summary>
    internal const string CheckpointName = "checkpoint.safetensors";

    /// <summary>The best model's weights, beside it.</summary>
    internal const string BestName = "best.safetensors";

    private const string ProgressKey = "understudy.progress";

    /// <summary>Writes a checkpoint.</summary>
    /// <param name="path">The file.</param>
    /// <param name="weights">The weights that are trained; for an adapter those of the adapter alone.</param>
    /// <param name="optimizer">Their optimiser.</param>
    /// <param name="progress">Where the training stands.</param>
    public static void Save(string path, IReadOnlyList<NamedParameter> weights, IOptimizer optimizer, TrainingProgress progress)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(optimizer);
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "pt",
            [ProgressKey] = JsonSerializer.Serialize(progress),
        };
        WeightFile.Write(path, weights.Concat(optimizer.State()), metadata);
    }

    /// <summary>Reads a checkpoint into weights and an optimiser of the same shapes.</summary>
    /// <returns>The progress, or null when there is no checkpoint.</returns>
    /// <exception cref="InvalidDataException">The file is damaged or belongs to another model.</exception>
    public static TrainingProgress? Load(string path, IReadOnlyList<NamedParameter> weights, IOptimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        if (!File.Exists(path))
        {
            return null;
        }

        using var file = Open(path);
        var progress = ReadProgress(path, file);
        using var scope = torch.NewDisposeScope();
        Restore(path, file, weights);
        optimizer.Restore(name => file.TryGet(name, out var entry) ? MappedTensors.View(new CheckpointTensor(file, entry)) : null, progress.Step);
        return progress;
    }

    /// <summary>Where the training of a checkpoint stands, without its weights.</summary>
    /// <returns>Null when there is no checkpoint.</returns>
    /// <exception cref="InvalidDataException">The file is damaged or no checkpoint.</exception>
    public static TrainingProgress? ReadProgress(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using var file = SafeTensorsFile.Open(path);
        return ReadProgress(path, file);
    }

    /// <summary>Writes the weights alone.</summary>
    public static void SaveWeights(string path, IReadOnlyList<NamedParameter> weights) => WeightFile.Write(path, weights);

    /// <summary>Reads weights into those of the same names and shapes.</summary>
    /// <exception cref="InvalidDataException">The file is missing, damaged, or belongs to another model.</exception>
    public static void LoadWeights(string path, IReadOnlyList<NamedParameter> weights)
    {
        using var file = Open(path);
        Restore(path, file, weights);
    }

    private static SafeTensorsFile Open(string path)
    {
        try
        {
            return SafeTensorsFile.Open(path);
        }
        catch (Exception e) when (e is InvalidDataException or FileNotFoundException)
        {
            throw new InvalidDataException($"{path}: the file is missing, damaged or cut short. To start the stage again, remove both '{CheckpointName}' and '{BestName}' from its folder.", e);
        }
    }

    private static TrainingProgress ReadProgress(string path, SafeTensorsFile file)
    {
        try
        {
            if (file.Metadata.TryGetValue(ProgressKey, out var text) && JsonSerializer.Deserialize<TrainingProgress>(text) is { } progress)
            {
                return progress;
            }
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is not a training checkpoint: '{ProgressKey}' in its header cannot be read ({e.Message}). Remove it to start the stage again.", e);
        }

        throw new InvalidDataException($"{path} is not a training checkpoint: its header has no '{ProgressKey}'. Remove it to start the stage again.");
    }

    private static void Restore(string path, SafeTensorsFile file, IReadOnlyList<NamedParameter> weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        foreach (var (name, value) in weights)
        {
            if (!file.TryGet(name, out var entry) || !entry.Shape.AsSpan().SequenceEqual(value.shape))
            {
                throw new InvalidDataException($"{path} does not fit the model: '{name}' is missing or has another shape. It belongs to another configuration; remove it to start the stage again.");
            }

            value.copy_(MappedTensors.View(new CheckpointTensor(file, entry)));
        }
    }
}
