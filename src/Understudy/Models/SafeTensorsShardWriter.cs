using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Understudy.Models;

/// <summary>
/// Writes a model's weights the way <c>save_pretrained</c> of <c>transformers</c> does: one <c>model.safetensors</c>, or shards
/// <c>model-00001-of-0000N.safetensors</c> with <c>model.safetensors.index.json</c> when they exceed a size.
/// </summary>
public static partial class SafeTensorsShardWriter
{
    /// <summary>The size above which weights are split when nothing else is asked for: 50 GB, as in <c>transformers</c>.</summary>
    public const long DefaultMaxShardSize = 50_000_000_000;

    private static readonly JsonWriterOptions IndexFormat = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Writes the weights into <paramref name="folder"/>, which is created when missing, and removes the files of an earlier save under
    /// the same name that no longer belong to it.
    /// </summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="tensors">The tensors in the model's order, which decides what shares a shard. Their bytes are asked for once, in the order of writing.</param>
    /// <param name="maxShardSize">The most bytes of tensor data in one file, at least 1; a single larger tensor gets a shard of its own.</param>
    /// <param name="weightsName">The file name of unsharded weights, ending in <c>.safetensors</c>.</param>
    /// <returns>The paths of the weight files written, in order.</returns>
    public static IReadOnlyList<string> Write(
        string folder, IEnumerable<SafeTensorsSource> tensors, long maxShardSize = DefaultMaxShardSize, string weightsName = Checkpoint.WeightsName)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxShardSize, 1);
        if (!weightsName.EndsWith(".safetensors", StringComparison.Ordinal) || Path.GetFileName(weightsName) != weightsName)
            throw new ArgumentException($"Expected a file name ending in '.safetensors', found '{weightsName}'.", nameof(weightsName));
        var all = tensors.ToList();
        if (all.GroupBy(tensor => tensor.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Tensor {SafeTensorsHeader.Quote(twice.Key)} is given twice; every tensor needs a name of its own.", nameof(tensors));

        Directory.CreateDirectory(folder);
        var stem = weightsName[..^".safetensors".Length];
        var indexPath = Path.Combine(folder, weightsName + ".index.json");
        var shards = Split(all, maxShardSize);
        var names = shards.Count == 1
            ? [weightsName]
            : shards.Select((_, i) => $"{stem}-{i + 1:D5}-of-{shards.Count:D5}.safetensors").ToList();

        WriteShards(folder, shards, names);
        if (shards.Count > 1) WriteIndex(indexPath, shards, names);
        else File.Delete(indexPath);
        foreach (var stale in Directory.EnumerateFiles(folder, stem + "*.safetensors"))
        {
            var name = Path.GetFileName(stale);
            if (!names.Contains(name) && (name == weightsName || ShardSuffix().IsMatch(name[stem.Length..]))) File.Delete(stale);
        }

        return names.Select(name => Path.Combine(folder, name)).ToList();
    }

    /// <summary>Whether a file of this name holds a model's weights, or their index.</summary>
    internal static bool IsWeightFile(string name)
    {
        var stem = Checkpoint.WeightsName[..^".safetensors".Length];
        return name == Checkpoint.WeightsName || name == Checkpoint.WeightsName + ".index.json"
            || (name.StartsWith(stem, StringComparison.Ordinal) && ShardSuffix().IsMatch(name[stem.Length..]));
    }

    /// <summary>Fills shards in the given order; a tensor that does not fit any more opens the next one.</summary>
    private static List<List<SafeTensorsSource>> Split(List<SafeTensorsSource> tensors, long maxShardSize)
    {
        var shards = new List<List<SafeTensorsSource>>();
        var current = new List<SafeTensorsSource>();
        var size = 0L;
        foreach (var tensor in tensors)
        {
            if (tensor.ByteCount > maxShardSize)
            {
                shards.Add([tensor]);
                continue;
            }

            if (size + tensor.ByteCount > maxShardSize)
            {
                shards.Add(current);
                (current, size) = ([], 0);
            }

            current.Add(tensor);
            size += tensor.ByteCount;
        }

        if (current.Count > 0 || shards.Count == 0) shards.Add(current);
        return shards;
    }

    private static void WriteShards(string folder, List<List<SafeTensorsSource>> shards, List<string> names)
    {
        // All data is on the disk before the first file takes its name: a failure on the way leaves the earlier save untouched.
        var temporary = new List<string>();
        try
        {
            for (var i = 0; i < shards.Count; i++)
            {
                FolderReplacement.Step($"write {names[i]}");
                temporary.Add(SafeTensorsWriter.WriteTemporary(Path.Combine(folder, names[i]), shards[i], null));
            }

            for (var i = 0; i < shards.Count; i++)
            {
                FolderReplacement.Step($"name {names[i]}");
                File.Move(temporary[i], Path.Combine(folder, names[i]), overwrite: true);
            }
        }
        finally
        {
            foreach (var file in temporary) File.Delete(file);
        }
    }

    private static void WriteIndex(string path, List<List<SafeTensorsSource>> shards, List<string> names)
    {
        var temporary = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                using (var json = new Utf8JsonWriter(stream, IndexFormat))
                {
                    json.WriteStartObject();
                    json.WriteStartObject("metadata");
                    json.WriteNumber("total_parameters", shards.Sum(shard => shard.Sum(tensor => tensor.Shape.Aggregate(1L, (a, b) => a * b))));
                    json.WriteNumber("total_size", shards.Sum(shard => shard.Sum(tensor => tensor.ByteCount)));
                    json.WriteEndObject();
                    json.WriteStartObject("weight_map");
                    var rows = shards.SelectMany((shard, i) => shard.Select(tensor => (tensor.Name, File: names[i])));
                    foreach (var (name, file) in rows.OrderBy(row => row.Name, StringComparer.Ordinal)) json.WriteString(name, file);
                    json.WriteEndObject();
                    json.WriteEndObject();
                }

                stream.WriteByte((byte)'\n');
                stream.Flush(flushToDisk: true);
            }

            FolderReplacement.Step($"name {Path.GetFileName(path)}");
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    [GeneratedRegex(@"^-\d{5}-of-\d{5}\.safetensors$")]
    private static partial Regex ShardSuffix();
}
