namespace Understudy.Runs;

/// <summary>A run file, or an override of it, cannot be used. All faults are reported at once.</summary>
public sealed class RunFileException : Exception
{
    private const int MaxShown = 50;

    /// <summary>An exception for <paramref name="faults"/>; its message has one line for each of the first 50.</summary>
    public RunFileException(IReadOnlyList<RunFileFault> faults)
        : base(Text(faults)) => Faults = faults;

    /// <summary>Everything found wrong, in the order of the file; at least one.</summary>
    public IReadOnlyList<RunFileFault> Faults { get; }

    private static string Text(IReadOnlyList<RunFileFault> faults)
    {
        var lines = faults.Take(MaxShown).Select(fault => fault.ToString());
        if (faults.Count > MaxShown)
            lines = lines.Append($"... and {faults.Count - MaxShown} more.");
        return string.Join('\n', lines);
    }
}
