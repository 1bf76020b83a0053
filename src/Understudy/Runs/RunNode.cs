namespace Understudy.Runs;

/// <summary>A value of a run file before it has a type, with its place.</summary>
internal abstract record RunNode(string Where);

/// <summary>A single value.</summary>
/// <param name="Where">Its place.</param>
/// <param name="Text">The text with environment variables filled in.</param>
/// <param name="Raw">The text as it was written.</param>
/// <param name="Plain">Whether it was written without quotation marks, so that <c>null</c> means null.</param>
/// <param name="Secret">Whether an environment variable that may hold a secret was filled in: <paramref name="Text"/> must then not be shown or written.</param>
internal sealed record ScalarNode(string Where, string Text, string Raw, bool Plain, bool Secret = false) : RunNode(Where)
{
    public bool IsNull => Plain && Text is ("" or "~" or "null");

    /// <summary>The text to put into a message.</summary>
    public string Shown => Secret ? Raw : Text;
}

/// <summary>A list.</summary>
internal sealed record SequenceNode(string Where, List<RunNode> Items) : RunNode(Where)
{
    /// <summary>The text of an override such as <c>[a, b]</c>, for options that want a text after all.</summary>
    public string? Source { get; init; }
}

/// <summary>A section.</summary>
internal sealed record MappingNode(string Where, List<RunEntry> Entries) : RunNode(Where)
{
    /// <inheritdoc cref="SequenceNode.Source"/>
    public string? Source { get; init; }

    public RunEntry? Find(string key) => Entries.Find(entry => entry.Key == key);
}

/// <summary>A key of a section, the key's place and its value.</summary>
internal sealed record RunEntry(string Key, string Where, RunNode Value);
