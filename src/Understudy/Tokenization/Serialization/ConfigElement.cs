using System.Text.Json;

namespace Understudy.Tokenization.Serialization;

/// <summary>An object of a JSON file with its place in it, so that every fault can say where it is.</summary>
internal readonly record struct ConfigElement(JsonElement Json, string Path, string File)
{
    public string Type => String("type");

    /// <summary>The fault at this element; <paramref name="message"/> continues "file: 'path' ".</summary>
    public InvalidDataException Fault(string message) => new($"{File}: '{(Path.Length == 0 ? "the file" : Path)}' {message}");

    /// <summary>The object under a key, or null when the key is missing or null.</summary>
    public ConfigElement? Child(string key)
    {
        if (Json.ValueKind != JsonValueKind.Object) throw Fault($"must be an object, but is {Kind(Json)}.");
        if (!Json.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return new ConfigElement(value, Path.Length == 0 ? key : $"{Path}.{key}", File);
    }

    public ConfigElement Required(string key) => Child(key) ?? throw Fault($"needs the key '{key}', which is missing or null.");

    public IEnumerable<ConfigElement> Items(string key)
    {
        var list = Required(key);
        if (list.Json.ValueKind != JsonValueKind.Array) throw list.Fault($"must be a list, but is {Kind(list.Json)}.");
        return list.Json.EnumerateArray().Select((item, i) => new ConfigElement(item, $"{list.Path}[{i}]", list.File));
    }

    public IEnumerable<(string Key, ConfigElement Value)> Entries()
    {
        if (Json.ValueKind != JsonValueKind.Object) throw Fault($"must be an object, but is {Kind(Json)}.");
        var self = this;
        return Json.EnumerateObject().Select(entry => (entry.Name, new ConfigElement(entry.Value, $"{self.Path}.{entry.Name}", self.File)));
    }

    public string String(string key) => Required(key).AsString();

    public string? OptionalString(string key) => Child(key)?.AsString();

    public bool Bool(string key, bool? fallback = null) => Child(key)?.AsBool() ?? fallback ?? Required(key).AsBool();

    public int Int(string key, int? fallback = null) => Child(key)?.AsInt() ?? fallback ?? Required(key).AsInt();

    /// <summary>One of a few names, spelled as in the file.</summary>
    public T Choice<T>(string key, IReadOnlyDictionary<string, T> names)
    {
        var value = Required(key);
        return names.TryGetValue(value.AsString(), out var choice)
            ? choice
            : throw value.Fault($"must be one of [{string.Join(", ", names.Keys)}], but is '{value.AsString()}'.");
    }

    public string AsString()
    {
        if (Json.ValueKind != JsonValueKind.String) throw Fault($"must be a string, but is {Kind(Json)}.");
        try
        {
            return Json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Fault("holds an escaped lone surrogate, which is not text.");
        }
    }

    public bool AsBool() => Json.ValueKind is JsonValueKind.True or JsonValueKind.False
        ? Json.GetBoolean()
        : throw Fault($"must be true or false, but is {Kind(Json)}.");

    /// <summary>A number from 0 to 2,147,483,647.</summary>
    public int AsInt() => Json.ValueKind == JsonValueKind.Number && Json.TryGetInt32(out var value) && value >= 0
        ? value
        : throw Fault($"must be a whole number from 0 to {int.MaxValue}, but is {Kind(Json)}.");

    private static string Kind(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => $"the number {json.GetRawText()}",
        JsonValueKind.Null => "null",
        _ => json.GetRawText(),
    };
}
