namespace Understudy.Tests;

/// <summary>The small checkpoints beside the tests, of every family.</summary>
internal static class ModelFixtures
{
    /// <summary>The folder that holds them.</summary>
    public static string Root { get; } = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models");

    /// <summary>Names of the folders with a model in them; adapters have none.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.EnumerateDirectories(Root).Where(folder => File.Exists(Path.Combine(folder, "config.json"))).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];
}
