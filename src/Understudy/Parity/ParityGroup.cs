namespace Understudy.Parity;

/// <summary>The checks of one reference folder or file.</summary>
/// <param name="Path">The folder or file.</param>
/// <param name="Known">Whether anything here can compare it; otherwise its one check is a skipped one.</param>
/// <param name="Run">Makes the checks, one after the other as they are enumerated.</param>
public sealed record ParityGroup(string Path, bool Known, Func<IEnumerable<ParityCheck>> Run);
