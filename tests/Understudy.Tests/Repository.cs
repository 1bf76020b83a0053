namespace Understudy.Tests;

/// <summary>The project's own files, for tests about them.</summary>
public static class Repository
{
    /// <summary>The folder that holds Understudy.slnx.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        var candidate = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(candidate, "Understudy.slnx")))
            candidate = Path.GetDirectoryName(candidate) ?? throw new DirectoryNotFoundException("No Understudy.slnx above the tests.");
        return candidate;
    }
}
