namespace Understudy.Tokenization.Unicode;

/// <summary>The data files that the assembly carries.</summary>
internal static class Resources
{
    /// <summary>The lines of a file without those that begin with <c>#</c>.</summary>
    public static IEnumerable<string> Lines(string name)
    {
        using var stream = typeof(Resources).Assembly.GetManifestResourceStream($"Understudy.Tokenization.Unicode.{name}")
            ?? throw new InvalidOperationException($"The assembly does not carry its resource '{name}'.");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#')) yield return line;
        }
    }
}
