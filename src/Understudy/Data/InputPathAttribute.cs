namespace Understudy.Data;

/// <summary>
/// Marks an option that names a file (or a folder) to read. In a run file a relative one is relative to the run file's own
/// folder; from C# it is relative to the current directory, as every path. A fingerprint holds the content read, not the path.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class InputPathAttribute : Attribute
{
    /// <summary>Whether a folder is meant, such as a model's; otherwise a file is.</summary>
    public bool Folder { get; init; }

    /// <summary>Whether a model that comes with Understudy (<c>box://NAME</c>) may be named, and one on the Hugging Face Hub where there is no such folder.</summary>
    public bool OrModelName { get; init; }
}
