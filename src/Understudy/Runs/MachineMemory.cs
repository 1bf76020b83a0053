using System.Globalization;

namespace Understudy.Runs;

/// <summary>The memory of the machine and what this process has of it. Where the system does not say, .NET's own figures stand in.</summary>
/// <param name="Total">Bytes that a process may have at most: of the machine, or of the control group that it runs in.</param>
/// <param name="Free">Bytes that a new process in place of this one could take now.</param>
/// <param name="Limit">What sets the limit: <c>machine</c> or <c>control group</c>.</param>
public sealed record MachineMemory(long Total, long Free, string Limit)
{
    /// <summary>How it is now.</summary>
    public static MachineMemory Read()
    {
        var own = Resident;
        var runtime = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var facts = Facts("/proc/meminfo");
        var machine = new MachineMemory(
            facts.GetValueOrDefault("MemTotal", runtime),
            facts.TryGetValue("MemAvailable", out var available) ? available + own : runtime,
            "machine");
        return Group(own) is { } group && group.Free < machine.Free ? group : machine;
    }

    /// <summary>Bytes of memory that this process has now.</summary>
    public static long Resident => Facts("/proc/self/status").GetValueOrDefault("VmRSS", Environment.WorkingSet);

    /// <summary>The most bytes that this process has had since its start or the last <see cref="ForgetPeak"/>.</summary>
    public static long Peak
    {
        get
        {
            using var process = System.Diagnostics.Process.GetCurrentProcess();
            return Facts("/proc/self/status").GetValueOrDefault("VmHWM", process.PeakWorkingSet64);
        }
    }

    /// <summary>Has <see cref="Peak"/> begin anew.</summary>
    /// <returns>Whether the system does that (proc(5), <c>/proc/pid/clear_refs</c>).</returns>
    public static bool ForgetPeak()
    {
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // Version 2 of control groups has one file for each figure; version 1 calls them otherwise and writes a huge number for no limit.
    private static MachineMemory? Group(long own)
    {
        foreach (var (limit, used, statistics, cache) in new[]
        {
            ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file"),
        })
        {
            if (Number(limit) is { } most && Number(used) is { } taken && most < long.MaxValue / 2)
            {
                // Files in memory that nobody uses make room when it is needed.
                return new MachineMemory(most, most - taken + Facts(statistics, unit: 1).GetValueOrDefault(cache) + own, "control group");
            }
        }

        return null;
    }

    private static long? Number(string path) =>
        Lines(path) is [var line, ..] && long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    // "MemAvailable:   123 kB"; memory.stat has neither the colon nor the unit.
    private static Dictionary<string, long> Facts(string path, long unit = 1024)
    {
        var facts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var line in Lines(path))
        {
            var words = line.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 1 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                facts[words[0].TrimEnd(':')] = number * unit;
        }

        return facts;
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
