namespace Understudy.Runs;

/// <summary>Key paths such as <c>students[0].training.epochs</c>; <c>students.0.training.epochs</c> means the same.</summary>
internal static class KeyPaths
{
    /// <summary>The steps of a path: keys as they stand, indexes as their digits. Null when the path is malformed.</summary>
    public static string[]? Split(string path)
    {
        var steps = path.Replace("]", "", StringComparison.Ordinal).Replace('[', '.').Split('.');
        return steps.All(step => step.Length > 0 && step.All(c => char.IsLetterOrDigit(c) || c is '_' or '-')) ? steps : null;
    }

    /// <summary>Where <paramref name="path"/> stands below <paramref name="root"/>; when it is not written there, the nearest section around it.</summary>
    public static string Place(MappingNode root, string path)
    {
        var place = root.Where;
        RunNode node = root;
        foreach (var step in Split(path) ?? [])
        {
            if (node is MappingNode mapping && mapping.Find(step) is { } entry)
                (place, node) = (entry.Where, entry.Value);
            else if (node is SequenceNode list && int.TryParse(step, out var index) && index >= 0 && index < list.Items.Count)
                (place, node) = (list.Items[index].Where, list.Items[index]);
            else
                break;
        }
        return place;
    }
}
