namespace Understudy.Runs;

/// <summary>A run file as a flat list: what is written for every key path, for example <c>students[0].training.epochs</c>.</summary>
internal static class FlatSettings
{
    /// <summary>Reads a run file, of whatever version; environment variables stay as they are written.</summary>
    /// <exception cref="InvalidDataException">It is not YAML.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
        if (new FileInfo(path).Length > 4L * RunFileReader.MaxCharacters)
            throw new InvalidDataException($"{path}: expected at most {RunFileReader.MaxCharacters} characters. A run file holds settings, not data.");
        return Parse(File.ReadAllText(path), path);
    }

    /// <summary>As <see cref="Read"/>, from text.</summary>
    /// <param name="text">YAML.</param>
    /// <param name="path">The name for messages.</param>
    /// <exception cref="InvalidDataException">It is not YAML.</exception>
    public static IReadOnlyDictionary<string, string> Parse(string text, string path)
    {
        var faults = new List<RunFileFault>();
        var root = RunFileReader.Read(text, (line, column) => $"{path}({line},{column})", _ => "", faults);
        if (root is null && faults.Count > 0)
            throw new InvalidDataException(faults[0].ToString());
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (root is not null)
            Add(settings, "", root);
        return settings;
    }

    /// <summary>Whether the setting at <paramref name="path"/> can change what a run comes to; an unknown one might.</summary>
    /// <param name="root">The record of the root section.</param>
    /// <param name="path">A key path.</param>
    public static bool CanChangeResults(Type root, string path)
    {
        ValueShape? shape = null;
        foreach (var step in KeyPaths.Split(path) ?? [])
        {
            var type = shape?.Type ?? root;
            if (shape?.Element is { } element)
            {
                shape = element;
                continue;
            }
            if (!OptionSchema.IsSection(type) || OptionSchema.Of(type).Options.FirstOrDefault(option => option.Key == step) is not { } option)
                return true;
            if (!option.InFingerprint && option.Shape.Path is not (PathUse.ReadFile or PathUse.ReadFolder or PathUse.ReadModel))
                return false;
            shape = option.Shape;
        }
        return true;
    }

    private static void Add(SortedDictionary<string, string> settings, string path, RunNode node)
    {
        switch (node)
        {
            case MappingNode { Entries.Count: > 0 } mapping:
                foreach (var entry in mapping.Entries)
                    Add(settings, path.Length == 0 ? entry.Key : $"{path}.{entry.Key}", entry.Value);
                break;
            case SequenceNode { Items.Count: > 0 } list:
                for (var i = 0; i < list.Items.Count; i++)
                    Add(settings, $"{path}[{i}]", list.Items[i]);
                break;
            default:
                settings[path] = node is ScalarNode scalar ? scalar.Raw : node is SequenceNode ? "[]" : "{}";
                break;
        }
    }
}
