namespace Understudy.Tests;

/// <summary>
/// A test that needs the shared references and models, which are not part of the repository. Where they lie is said by the environment
/// variable <c>UNDERSTUDY_SHARED</c>; without it they are looked for in <c>../shared</c> beside the repository.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute(params string[] needed)
    {
        var missing = needed.Where(path => !Path.Exists(Path.Combine(Root, path))).ToList();
        if (!Directory.Exists(Root)) Skip = $"There is no folder {Root}; set UNDERSTUDY_SHARED to the folder of shared references.";
        else if (missing.Count > 0) Skip = $"{Root} lacks {string.Join(", ", missing)}.";
    }

    /// <summary>The folder of shared references, whether it exists or not.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        if (Environment.GetEnvironmentVariable("UNDERSTUDY_SHARED") is { Length: > 0 } named) return Path.GetFullPath(named);
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Understudy.slnx"))) folder = Path.GetDirectoryName(folder);
        return Path.GetFullPath(Path.Combine(folder ?? AppContext.BaseDirectory, "..", "shared"));
    }
}
