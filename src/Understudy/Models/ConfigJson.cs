using System.Text.Json;
using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>Reads a <c>config.json</c> key by key and says what is wrong with one in the words of the file.</summary>
public sealed class ConfigJson
{
    /// <summary>Name of the file in a model folder.</summary>
    public const string FileName = "config.json";

    // A damaged or hostile file must not make the program build blocks until memory is used up.
    internal const int MostLayers = 10_000;

    private const long MostBytes = 64 << 20;

    private static readonly JsonDocumentOptions Limits = new() { MaxDepth = 32, CommentHandling = JsonCommentHandling.Disallow, AllowDuplicateProperties = false };
    private readonly string path;

    /// <summary>A configuration that is already parsed.</summary>
    /// <param name="root">The object of the file.</param>
    /// <param name="path">Where it came from, for messages.</param>
    public ConfigJson(JsonObject root, string path)
    {
        Root = root;
        this.path = path;
    }

    /// <summary>The object of the file, with keys that nothing here reads.</summary>
    public JsonObject Root { get; }

    /// <summary>Reads the <c>config.json</c> of a model folder.</summary>
    /// <exception cref="InvalidDataException">There is none, or it is not a JSON object.</exception>
    public static ConfigJson Read(string folder)
    {
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file) && AdapterFolder.Recognises(folder))
        {
            throw new InvalidDataException($"{folder} is not a model folder but that of an adapter, which needs its base: it has {AdapterFolder.ConfigName} and no {FileName}. 'understudy merge {folder} --output FOLDER' writes a whole model.");
        }

        if (!File.Exists(file))
        {
            throw new InvalidDataException($"{folder} is not a model folder: it has no {FileName}. Expected a Hugging Face folder with {FileName}, model.safetensors and tokenizer.json.");
        }

        return ReadFile(file);
    }

    /// <summary>Reads a file that holds one JSON object.</summary>
    /// <exception cref="InvalidDataException">It is no JSON object, or larger than any configuration.</exception>
    internal static ConfigJson ReadFile(string file)
    {
        if (new FileInfo(file).Length > MostBytes)
        {
            throw new InvalidDataException($"{file} has {new FileInfo(file).Length:N0} bytes; a configuration has at most {MostBytes:N0}.");
        }

        try
        {
            return JsonNode.Parse(File.ReadAllText(file), documentOptions: Limits) is JsonObject root
                ? new ConfigJson(root, file)
                : throw new InvalidDataException($"{file} is not a JSON object.");
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"{file} is not valid JSON: {error.Message}", error);
        }
    }

    /// <summary>Whether a key is there and not null.</summary>
    public bool Has(string key) => Root.TryGetPropertyValue(key, out var value) && value is not null;

    /// <summary>A number that counts something.</summary>
    /// <param name="key">Key of the file.</param>
    /// <param name="fallback">The value when the key is absent; null makes it required.</param>
    /// <param name="least">The smallest valid value.</param>
    /// <param name="most">The largest valid value.</param>
    /// <exception cref="InvalidDataException">Missing, not an integer, too small or too large.</exception>
    public int Int(string key, int? fallback = null, int least = 1, int most = int.MaxValue)
    {
        var value = OptionalInt(key) ?? fallback ?? throw Missing(key, "an integer");
        return value < least ? throw Wrong(key, $"an integer of at least {least}", value.ToString())
            : value > most ? throw Wrong(key, $"an integer of at most {most}", value.ToString())
            : value;
    }

    /// <summary>An integer, or null where the key is absent, null, or (as some files have it for token ids) a list, whose first entry counts.</summary>
    /// <param name="key">Key of the file.</param>
    /// <param name="least">The smallest valid value.</param>
    /// <exception cref="InvalidDataException">Not an integer, or too small.</exception>
    public int? OptionalInt(string key, int least = int.MinValue) => Ints(key) is { Count: > 0 } numbers
        ? numbers[0] >= least ? numbers[0] : throw Wrong(key, $"an integer of at least {least}", numbers[0].ToString())
        : null;

    /// <summary>The id of a token, or null where the key is absent, null or, as some files have it, negative.</summary>
    /// <exception cref="InvalidDataException">Not an integer.</exception>
    public int? TokenId(string key) => OptionalInt(key) is { } id and >= 0 ? id : null;

    /// <summary>The type of the weights by <c>dtype</c>, or <c>torch_dtype</c> in older files; float32 where neither names a 16-bit one.</summary>
    /// <exception cref="InvalidDataException">Not a string.</exception>
    internal Torch.ScalarType StoredType() => MappedTensors.TypeNamed(String("dtype", String("torch_dtype", "float32")));

    /// <summary>Integers: one, or as some files have it for token ids a list; empty where the key is absent or null.</summary>
    /// <exception cref="InvalidDataException">Something else.</exception>
    public IReadOnlyList<int> Ints(string key)
    {
        if (!Has(key)) return [];
        IEnumerable<JsonNode?> nodes = Root[key] as JsonArray ?? (IEnumerable<JsonNode?>)new[] { Root[key] };
        return [.. nodes.Select(node => node is JsonValue value && value.TryGetValue<int>(out var number) ? number : throw Wrong(key, "an integer", Root[key]!.ToJsonString()))];
    }

    /// <summary>A list of texts, or null where the key is absent or null.</summary>
    /// <exception cref="InvalidDataException">Something else.</exception>
    public IReadOnlyList<string>? Strings(string key)
    {
        if (!Has(key)) return null;
        return Root[key] is JsonArray list && list.All(node => node is JsonValue value && value.TryGetValue<string>(out _))
            ? [.. list.Select(node => node!.GetValue<string>())]
            : throw Wrong(key, "a list of strings", Root[key]!.ToJsonString());
    }

    /// <summary>A real number.</summary>
    /// <exception cref="InvalidDataException">Missing without a fallback, or not a finite number.</exception>
    public double Double(string key, double? fallback = null)
    {
        if (!Has(key))
        {
            return fallback ?? throw Missing(key, "a number");
        }

        return Root[key] is JsonValue value && value.TryGetValue<double>(out var number) && double.IsFinite(number)
            ? number
            : throw Wrong(key, "a number", Root[key]!.ToJsonString());
    }

    /// <summary>A truth value.</summary>
    /// <exception cref="InvalidDataException">Not <c>true</c> or <c>false</c>.</exception>
    public bool Bool(string key, bool fallback)
    {
        if (!Has(key))
        {
            return fallback;
        }

        return Root[key] is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : throw Wrong(key, "true or false", Root[key]!.ToJsonString());
    }

    /// <summary>A text.</summary>
    /// <exception cref="InvalidDataException">Missing without a fallback, or not a string.</exception>
    public string String(string key, string? fallback = null)
    {
        if (!Has(key))
        {
            return fallback ?? throw Missing(key, "a string");
        }

        return Root[key] is JsonValue value && value.TryGetValue<string>(out var text) ? text : throw Wrong(key, "a string", Root[key]!.ToJsonString());
    }

    /// <summary>An object below this one, or null.</summary>
    /// <exception cref="InvalidDataException">Something else than an object.</exception>
    public ConfigJson? Section(string key)
    {
        if (!Has(key))
        {
            return null;
        }

        return Root[key] is JsonObject section ? new ConfigJson(section, $"{path}, '{key}'") : throw Wrong(key, "an object", Root[key]!.ToJsonString());
    }

    /// <summary>A configuration with the keys of the file it was read from that it lacks, so that nothing is lost when it is saved again.</summary>
    /// <param name="json">The configuration as this library writes it.</param>
    /// <param name="stored">The file's own; null for none.</param>
    internal static JsonObject Extended(JsonObject json, JsonObject? stored)
    {
        foreach (var (key, value) in stored ?? [])
        {
            // Several end-of-text tokens are one here; the file's list says more.
            var fuller = value is JsonArray && json.TryGetPropertyValue(key, out var own) && own is JsonValue && key.EndsWith("_token_id", StringComparison.Ordinal);
            if (!json.ContainsKey(key) || fuller) json[key] = value?.DeepClone();
        }

        LabelNames.KeepCount(json);
        KeepDecimalPoints(json);
        return json;
    }

    // A whole number that stands for a real one is 1.0 in Python's files, and newer versions of transformers check the type.
    private static void KeepDecimalPoints(JsonObject json)
    {
        foreach (var (key, value) in json.ToList())
        {
            if (value is JsonObject section) KeepDecimalPoints(section);
            else if (value is JsonValue number && number.TryGetValue<double>(out var real) && !number.TryGetValue<int>(out _) && Math.Abs(real) < 1e15 && real == Math.Truncate(real))
                json[key] = JsonNode.Parse(real.ToString("0.0", System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    /// <summary>The fault of a key whose value this library does not support.</summary>
    public InvalidDataException Unsupported(string key, string found, string supported) =>
        new($"{path}: '{key}' is '{found}', which is not supported. Supported: {supported}.");

    /// <summary>A fault of the file as a whole.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="cause">What it was found by.</param>
    public InvalidDataException Fault(string message, Exception? cause = null) => new($"{path}: {message}", cause);

    private InvalidDataException Missing(string key, string expected) => new($"{path}: '{key}' is missing; expected {expected}.");

    private InvalidDataException Wrong(string key, string expected, string found) => new($"{path}: '{key}' is {Shorten(found)}; expected {expected}.");

    private static string Shorten(string text) => text.Length <= 80 ? text : text[..77] + "...";
}
