namespace Understudy.Data;

/// <summary>
/// Marks an option that names a file or folder to write. A relative one is relative to the current directory, in a run file
/// as on the command line. A fingerprint leaves it out.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OutputPathAttribute : Attribute;
