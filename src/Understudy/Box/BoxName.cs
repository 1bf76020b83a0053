using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Understudy.Box;

/// <summary>A model that comes with Understudy, as run files and verbs name it: <c>box://NAME</c>.</summary>
public sealed partial record BoxName
{
    /// <summary>What marks a text as such a name and as nothing else.</summary>
    public const string Prefix = "box://";

    /// <summary>What a name looks like, for messages.</summary>
    internal const string Expected = "box://NAME (lower-case letters, digits, '-', '_' and '.')";

    private const int Longest = 64;

    private BoxName(string name) => Name = name;

    /// <summary>The name alone, which is that of the model's folder.</summary>
    public string Name { get; }

    /// <summary>Reads <c>box://NAME</c>.</summary>
    /// <returns>False when <paramref name="text"/> is no such name.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out BoxName? name)
    {
        ArgumentNullException.ThrowIfNull(text);
        name = text.StartsWith(Prefix, StringComparison.Ordinal) ? Of(text[Prefix.Length..]) : null;
        return name is not null;
    }

    /// <summary>Whether a text says of itself that it names a model in the box, rightly spelt or not.</summary>
    public static bool IsExplicit(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.StartsWith("box:", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary><c>box://NAME</c></summary>
    public override string ToString() => Prefix + Name;

    // It becomes a part of a path.
    internal static BoxName? Of(string name) =>
        name.Length <= Longest && Part().IsMatch(name) && !name.Contains("..", StringComparison.Ordinal) ? new BoxName(name) : null;

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9._-]*[a-z0-9])?\z")]
    private static partial Regex Part();
}
