using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>What the head of a model card (<c>README.md</c>, YAML between two lines of dashes, as on the Hugging Face Hub) and its first words say.</summary>
/// <param name="License">The licence's short name (<c>license</c>); several with commas; null where none is named.</param>
/// <param name="Use">What the model is meant for (<c>understudy_use</c>); null where nothing is said.</param>
/// <param name="Summary">The text between the title and the first section.</param>
internal sealed record ModelCard(string? License, ModelUse? Use, string Summary)
{
    public const string FileName = "README.md";

    private const string Fence = "---", UseKey = "understudy_use";

    private const long MostBytes = 1 << 20;

    /// <summary>Reads the card of a model's folder; an empty one where there is none.</summary>
    /// <exception cref="InvalidDataException">Its head is no YAML, or names a use that there is not.</exception>
    public static ModelCard Read(string folder)
    {
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file)) return new ModelCard(null, null, "");
        if (new FileInfo(file).Length > MostBytes) throw new InvalidDataException($"{file} has more than {MostBytes:N0} bytes, which is no model card.");
        var lines = File.ReadAllText(file).ReplaceLineEndings("\n").Split('\n');
        var end = lines[0].TrimEnd() == Fence ? Array.FindIndex(lines, 1, line => line.TrimEnd() == Fence) : 0;
        if (end < 0) throw new InvalidDataException($"{file}: the line '{Fence}' that ends the card's head is missing.");
        // An empty first line keeps the numbers of the lines in messages right.
        var head = FlatSettings.Parse(end == 0 ? "" : $"\n{string.Join('\n', lines[1..end])}\n", file);
        var licenses = head.Where(pair => pair.Key == "license" || pair.Key.StartsWith("license[", StringComparison.Ordinal)).Select(pair => pair.Value).ToList();
        return new ModelCard(licenses.Count == 0 ? null : string.Join(", ", licenses), UseOf(head.GetValueOrDefault(UseKey), file), SummaryOf(lines[(end == 0 ? 0 : end + 1)..]));
    }

    private static ModelUse? UseOf(string? text, string file)
    {
        if (text is null) return null;
        var (value, fault) = ScalarValue.Parse(typeof(ModelUse), text, text);
        return fault is null ? (ModelUse)value! : throw new InvalidDataException($"{file}: {UseKey}: {fault}");
    }

    private static string SummaryOf(IEnumerable<string> lines) => string.Join('\n', lines
        .SkipWhile(line => line.Trim().Length == 0 || line.StartsWith("# ", StringComparison.Ordinal))
        .TakeWhile(line => !line.StartsWith('#')).Select(line => line.TrimEnd())).Trim();
}
