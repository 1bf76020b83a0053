using System.Text.Json;
using System.Text.RegularExpressions;

namespace Understudy.Hub;

/// <summary>Which files of a repository make up a model: what <c>transformers</c> would take, and nothing that is a program or a pickle.</summary>
/// <remarks>File names come from a server. Only known ones are taken, so that none can lead out of the snapshot's folder.</remarks>
internal static partial class HubFiles
{
    public const string Config = "config.json", AdapterConfig = "adapter_config.json", Index = "model.safetensors.index.json";

    private const string Weights = "model.safetensors", AdapterWeights = "adapter_model.safetensors";

    private const int MostShards = 10_000, MostIndexBytes = 256 << 20;

    private static readonly string[] Texts =
    [
        Config, AdapterConfig, "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
        "added_tokens.json", "vocab.json", "merges.txt", "vocab.txt", "chat_template.jinja",
    ];

    private static readonly string[] Pickles = [".bin", ".pt", ".pth", ".ckpt", ".pkl"];

    /// <summary>The small files to take, the index of sharded weights among them where it is needed.</summary>
    /// <param name="name">The repository, for messages.</param>
    /// <param name="listed">The names of all its files.</param>
    /// <exception cref="HubException">It holds no model that can be loaded; the message says what to do.</exception>
    public static IReadOnlyList<string> SmallFiles(HubName name, IReadOnlySet<string> listed)
    {
        if (!listed.Contains(Config) && !listed.Contains(AdapterConfig))
            throw new HubException($"{name}: expected a repository with {Config}, found none among its {listed.Count} files. It holds no model that transformers would load.");
        if (!listed.Contains(Weights) && !listed.Contains(Index) && !listed.Contains(AdapterWeights))
            throw NoWeights(name, listed);
        return [.. Texts.Where(listed.Contains), .. IsSharded(listed) ? [Index] : (string[])[]];
    }

    /// <summary>The weight files to take. A single file goes before shards, as in <c>transformers</c>.</summary>
    /// <param name="name">The repository, for messages.</param>
    /// <param name="listed">The names of all its files.</param>
    /// <param name="snapshot">Where its small files lie by now.</param>
    /// <exception cref="HubException">The index names files that are not there, or that are no names of files.</exception>
    public static IReadOnlyList<string> WeightFiles(HubName name, IReadOnlySet<string> listed, string snapshot) =>
    [
        .. listed.Contains(Weights) ? [Weights] : IsSharded(listed) ? Shards(name, listed, Path.Combine(snapshot, Index)) : (string[])[],
        .. listed.Contains(AdapterWeights) ? [AdapterWeights] : (string[])[],
    ];

    /// <summary>What a snapshot lacks to be a model; null when nothing.</summary>
    public static string? Missing(HubName name, string snapshot)
    {
        bool Has(string file) => HubCache.Holds(Path.Combine(snapshot, file));
        if (!Has(Config) && !Has(AdapterConfig))
            return Config;
        if (Has(Weights) || (!Has(Config) && Has(AdapterWeights)))
            return null;
        return !Has(Index) ? Weights : Shards(name, null, Path.Combine(snapshot, Index)).FirstOrDefault(shard => !Has(shard));
    }

    private static bool IsSharded(IReadOnlySet<string> listed) => !listed.Contains(Weights) && listed.Contains(Index);

    private static string[] Shards(HubName name, IReadOnlySet<string>? listed, string index)
    {
        SortedSet<string> shards = new(StringComparer.Ordinal);
        try
        {
            using var stream = new FileStream(index, FileMode.Open, FileAccess.Read);
            if (stream.Length > MostIndexBytes)
                throw new HubException($"{name}: expected {Index} of at most {MostIndexBytes} bytes, found {stream.Length}.");
            using var json = JsonDocument.Parse(stream);
            foreach (var entry in json.RootElement.GetProperty("weight_map").EnumerateObject())
                shards.Add(entry.Value.GetString() ?? "");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new HubException($"{name}: {Index} is not the index of sharded weights: expected 'weight_map' with a file for every tensor.", e);
        }
        if (shards.Count is 0 or > MostShards)
            throw new HubException($"{name}: expected 1 to {MostShards} weight files in {Index}, found {shards.Count}.");
        foreach (var shard in shards)
        {
            if (!ShardName().IsMatch(shard))
                throw new HubException($"{name}: {Index} names {Data.ShownText.Of(shard, 80)}, expected the plain name of a .safetensors file. The repository is damaged, or somebody's trap.");
            if (listed?.Contains(shard) == false)
                throw new HubException($"{name}: {Index} names '{shard}', which the repository does not have. Its upload is not complete; name another revision after '@'.");
        }
        return [.. shards];
    }

    private static HubException NoWeights(HubName name, IReadOnlySet<string> listed)
    {
        var pickled = listed.Where(file => Pickles.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase) && !file.Contains('/', StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        var variants = listed.Where(file => ShardName().IsMatch(file)).Order(StringComparer.Ordinal).ToList();
        return variants.Count > 0
            ? new HubException($"{name}: expected {Weights}, found only {Some(variants)}, which transformers would not load either. Download the one that is meant, rename it to {Weights} in a folder of its own, and name that folder.")
            : pickled.Count > 0
            ? new HubException($"{name}: expected {Weights}, found only pickled weights ({Some(pickled)}), and reading a pickle runs the code in it. Many such repositories have a converted copy: look for 'Adding safetensors' under Community on its page, and name its number, {HubName.Prefix}{name.Id}@refs/pr/NUMBER. "
                + $"If you trust the repository, convert it once with Python: from transformers import AutoModel; AutoModel.from_pretrained('{name.Id}').save_pretrained('NEW_FOLDER', safe_serialization=True) (take the class that 'architectures' in config.json names), and name the new folder.")
            : new HubException($"{name}: expected {Weights}, found no weights among its {listed.Count} files.");
    }

    private static string Some(List<string> files) => string.Join(", ", files.Take(3).Select(file => Data.ShownText.Of(file, 80)[1..^1])) + (files.Count > 3 ? ", ..." : "");

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}\.safetensors\z")]
    private static partial Regex ShardName();
}
