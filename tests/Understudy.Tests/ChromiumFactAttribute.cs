namespace Understudy.Tests;

/// <summary>
/// A test that opens a page in headless Chromium. Its program is looked for in the environment variable
/// <c>UNDERSTUDY_CHROMIUM</c> and on the path; without it the test is skipped.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ChromiumFactAttribute : FactAttribute
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    public ChromiumFactAttribute()
    {
        if (Program is null) Skip = "There is no Chromium. Install it (apt-get install chromium), or name one in UNDERSTUDY_CHROMIUM.";
    }

    /// <summary>The path of the browser; null when there is none.</summary>
    public static string? Program { get; } = Environment.GetEnvironmentVariable("UNDERSTUDY_CHROMIUM") is { Length: > 0 } named
        ? named
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).SelectMany(folder => Names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
}
