using System.Diagnostics.CodeAnalysis;

namespace Understudy.Models;

/// <summary>A tensor of a checkpoint: the file that holds it and its entry there.</summary>
/// <param name="File">The open file; it belongs to the checkpoint.</param>
/// <param name="Entry">The tensor's name, type, shape and place.</param>
public sealed record CheckpointTensor(SafeTensorsFile File, SafeTensorsEntry Entry)
{
    /// <summary>The address of the first byte, valid until the checkpoint is disposed.</summary>
    public nint Address => File.PointerTo(Entry);
}

/// <summary>
/// The weights of a Hugging Face folder: <c>model.safetensors</c>, or the shards that <c>model.safetensors.index.json</c> names, as one
/// set of named tensors. The files stay mapped until <see cref="Dispose"/>.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    /// <summary>The file name of unsharded model weights.</summary>
    public const string WeightsName = "model.safetensors";

    /// <summary>The file name of unsharded adapter weights.</summary>
    public const string AdapterWeightsName = "adapter_model.safetensors";

    private readonly List<SafeTensorsFile> files = [];
    private readonly Dictionary<string, CheckpointTensor> byName = [];
    private readonly List<string> names = [];

    private Checkpoint(string path) => Path = path;

    /// <summary>The folder or file the checkpoint was opened by.</summary>
    public string Path { get; }

    /// <summary>The names of all tensors: file by file, each in the order of its data.</summary>
    public IReadOnlyList<string> Names => names;

    /// <summary>Opens the weights of a model folder, or a single <c>.safetensors</c> file.</summary>
    /// <param name="path">The folder or the file.</param>
    /// <param name="weightsName">The file name of unsharded weights in a folder; the index has the same name with <c>.index.json</c> after it.</param>
    /// <exception cref="FileNotFoundException">There is no such path, or no weights in it.</exception>
    /// <exception cref="InvalidDataException">The weights are pickled, or a file breaks a rule of its format; the message says which and what to do.</exception>
    public static Checkpoint Open(string path, string weightsName = WeightsName)
    {
        var checkpoint = new Checkpoint(path);
        try
        {
            checkpoint.OpenFiles(path, weightsName);
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of this name; false when there is none.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out CheckpointTensor? tensor) => byName.TryGetValue(name, out tensor);

    /// <summary>Closes all files.</summary>
    public void Dispose()
    {
        foreach (var file in files) file.Dispose();
    }

    private void OpenFiles(string path, string weightsName)
    {
        if (!Directory.Exists(path))
        {
            PickledWeights.Refuse(path);
            if (!File.Exists(path)) throw new FileNotFoundException($"{path}: there is no such file or folder.", path);
            Add(SafeTensorsFile.Open(path));
            return;
        }

        var single = System.IO.Path.Combine(path, weightsName);
        if (File.Exists(single))
        {
            Add(SafeTensorsFile.Open(single));
            return;
        }

        var index = single + ".index.json";
        if (!File.Exists(index))
        {
            PickledWeights.RefuseFolder(path);
            throw new FileNotFoundException($"{path}: expected {weightsName} or {weightsName}.index.json, found neither.", single);
        }

        var shardOf = ShardIndex.Read(index);
        foreach (var shard in shardOf.Values.Distinct())
        {
            var file = System.IO.Path.Combine(path, shard);
            if (!File.Exists(file))
                throw new InvalidDataException($"{index}: the shard {shard} is missing from the folder. Download or copy all {shardOf.Values.Distinct().Count()} shards.");
            Add(SafeTensorsFile.Open(file));
        }

        foreach (var (name, shard) in shardOf)
        {
            var holder = byName.GetValueOrDefault(name)?.File.Path;
            if (holder is null || System.IO.Path.GetFileName(holder) != shard)
            {
                throw new InvalidDataException(
                    $"{index}: tensor {SafeTensorsHeader.Quote(name)} is not in its shard {shard}{(holder is null ? "" : $" but in {System.IO.Path.GetFileName(holder)}")}. "
                    + "The index and the shards come from different saves; download or save them again together.");
            }
        }
    }

    private void Add(SafeTensorsFile file)
    {
        files.Add(file);
        foreach (var entry in file.Entries)
        {
            if (!byName.TryAdd(entry.Name, new CheckpointTensor(file, entry)))
            {
                throw new InvalidDataException(
                    $"{file.Path}: tensor {SafeTensorsHeader.Quote(entry.Name)} is also in {System.IO.Path.GetFileName(byName[entry.Name].File.Path)}. "
                    + "The shards come from different saves; download or save them again together.");
            }

            names.Add(entry.Name);
        }
    }
}
