using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>The names of the classes in a <c>config.json</c>: <c>id2label</c>, <c>label2id</c>, <c>num_labels</c>.</summary>
internal static class LabelNames
{
    private static readonly string[] CountKeys = ["num_labels", "_num_labels"];

    internal static IReadOnlyList<string> Read(ConfigJson json)
    {
        if (json.Section("id2label") is not { } names)
        {
            return [.. Enumerable.Range(0, json.Has("num_labels") ? json.Int("num_labels", most: 1_000_000) : 0).Select(i => $"LABEL_{i}")];
        }

        var labels = new string?[names.Root.Count];
        foreach (var (key, _) in names.Root)
        {
            if (!int.TryParse(key, System.Globalization.NumberStyles.None, null, out var id) || id >= labels.Length || labels[id] is not null)
            {
                throw json.Fault($"'id2label' has the key '{key}'; expected the ids 0 to {labels.Length - 1}, each once.");
            }

            labels[id] = names.String(key);
        }

        return labels!;
    }

    internal static void Write(JsonObject json, IReadOnlyList<string> labels)
    {
        if (labels.Count == 0)
        {
            return;
        }

        var names = new JsonObject();
        var ids = new JsonObject();
        for (var i = 0; i < labels.Count; i++)
        {
            names[i.ToString()] = labels[i];
            ids[labels[i]] = i;
        }

        json["id2label"] = names;
        json["label2id"] = ids;
        KeepCount(json);
    }

    /// <summary>Has the number of classes that some files give follow their names: transformers takes the number over the names where they differ.</summary>
    internal static void KeepCount(JsonObject json)
    {
        if (json["id2label"] is not JsonObject names) return;
        foreach (var key in CountKeys)
        {
            if (json[key] is not null) json[key] = names.Count;
        }
    }
}
