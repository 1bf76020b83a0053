using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Understudy.Hub;

/// <summary>A model repository on the Hugging Face Hub at a revision: <c>hf://OWNER/NAME</c> or <c>hf://OWNER/NAME@REVISION</c>.</summary>
/// <remarks>The characters are those that <c>huggingface_hub</c> allows (<c>validate_repo_id</c>) and that a git reference may have.</remarks>
public sealed partial record HubName
{
    /// <summary>What marks a text as such a name and as nothing else.</summary>
    public const string Prefix = "hf://";

    /// <summary>The branch that is meant where no revision is named.</summary>
    public const string DefaultRevision = "main";

    private const int LongestPart = 96, LongestRevision = 200;

    private HubName(string owner, string repository, string revision)
    {
        Owner = owner;
        Repository = repository;
        Revision = revision;
    }

    /// <summary>The user or organisation.</summary>
    public string Owner { get; }

    /// <summary>The repository's name, without its owner.</summary>
    public string Repository { get; }

    /// <summary>A branch, a tag or a commit of 40 hexadecimal digits.</summary>
    public string Revision { get; }

    /// <summary>Owner and name with a slash between them, as the Hub calls the repository.</summary>
    public string Id => $"{Owner}/{Repository}";

    /// <summary>Reads <c>OWNER/NAME[@REVISION]</c>, with or without <c>hf://</c>.</summary>
    /// <returns>False when <paramref name="text"/> cannot be such a name.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out HubName? name)
    {
        name = null;
        if (text.StartsWith(Prefix, StringComparison.Ordinal))
            text = text[Prefix.Length..];
        var at = text.IndexOf('@', StringComparison.Ordinal);
        var (id, revision) = at < 0 ? (text, DefaultRevision) : (text[..at], text[(at + 1)..]);
        if (id.Split('/') is not [var owner, var repository] || !IsPart(owner) || !IsPart(repository) || repository.EndsWith(".git", StringComparison.Ordinal) || !IsRevision(revision))
            return false;
        name = new HubName(owner, repository, revision);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>, for a text that can be nothing else.</summary>
    /// <exception cref="FormatException">It is no such name.</exception>
    public static HubName Parse(string text) =>
        TryParse(text, out var name) ? name : throw new FormatException($"expected {Expected}, found {Data.ShownText.Of(text, 120)}.");

    /// <summary>Whether a text says of itself that it is a name on the Hub.</summary>
    public static bool IsExplicit(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary><c>hf://OWNER/NAME@REVISION</c>, the revision left out where it is <c>main</c>.</summary>
    public override string ToString() => $"{Prefix}{Id}{(Revision == DefaultRevision ? "" : $"@{Revision}")}";

    /// <summary>What a name looks like, for messages.</summary>
    internal const string Expected = "hf://OWNER/NAME or hf://OWNER/NAME@REVISION (letters, digits, '-', '_' and '.')";

    /// <summary>Whether this is the full hash of a commit.</summary>
    internal static bool IsCommit(string text) => Commit().IsMatch(text);

    private static bool IsPart(string text) =>
        text.Length <= LongestPart && Part().IsMatch(text) && !text.Contains("--", StringComparison.Ordinal) && !text.Contains("..", StringComparison.Ordinal);

    // It becomes a path below refs/ and a part of an address.
    private static bool IsRevision(string text) =>
        text.Length <= LongestRevision && text.Split('/').All(step => RevisionStep().IsMatch(step) && !step.Contains("..", StringComparison.Ordinal) && !step.EndsWith(".lock", StringComparison.Ordinal));

    [GeneratedRegex(@"\A[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\z")]
    private static partial Regex Part();

    [GeneratedRegex(@"\A[A-Za-z0-9_+-][A-Za-z0-9_.+-]*\z")]
    private static partial Regex RevisionStep();

    [GeneratedRegex(@"\A[0-9a-f]{40}\z")]
    private static partial Regex Commit();
}
