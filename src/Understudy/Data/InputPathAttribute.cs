namespace Understudy.Data;

/// <summary>
/// Marks an option that names a file or folder to read. In a run file a relative one is relative to the run file's own
/// folder; from C# it is relative to the current directory, as every path. A fingerprint holds the content read, not the path.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class InputPathAttribute : Attribute;
