namespace Understudy.Torch;

/// <summary>The cores that this process may compute on.</summary>
/// <remarks>libtorch's own count takes the processors of some virtual machines for one core with several threads, and would compute on one of them.</remarks>
public static class ProcessorCores
{
    private const string Topology = "/sys/devices/system/cpu";

    /// <summary>Number of cores, at least 1; two hardware threads of a core count once. Processor affinity and the limits of a container are respected.</summary>
    public static int Count { get; } = Math.Max(1, Math.Min(Environment.ProcessorCount, Cores() ?? int.MaxValue));

    private static int? Cores()
    {
        try
        {
            var siblings = Directory.EnumerateDirectories(Topology, "cpu*")
                .Select(folder => Path.Combine(folder, "topology", "thread_siblings_list"))
                .Where(File.Exists)
                .Select(file => File.ReadAllText(file).Trim())
                .ToHashSet();
            return siblings.Count > 0 ? siblings.Count : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
