using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Understudy.Hub;

namespace Understudy.Runs;

/// <summary>Under what circumstances a run came about: what someone needs to know to repeat it, in <c>manifest.json</c>.</summary>
public sealed record RunManifest
{
    /// <summary>The version of Understudy.</summary>
    public string Understudy { get; init; } = typeof(RunManifest).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>The version of .NET.</summary>
    public string Dotnet { get; init; } = Environment.Version.ToString();

    /// <summary>The version of libtorch; null when the run did not need it.</summary>
    public string? Libtorch { get; init; }

    /// <summary>The operating system.</summary>
    public string OperatingSystem { get; init; } = RuntimeInformation.OSDescription;

    /// <summary>The processor's name and instruction set.</summary>
    public string Processor { get; init; } = $"{ProcessorName()} ({RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()})";

    /// <summary>The processor cores that this process may use.</summary>
    public int Cores { get; init; } = Environment.ProcessorCount;

    /// <summary>Memory that this process may use, in GiB.</summary>
    public double MemoryGib { get; init; } = Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30), 1);

    /// <summary>Where tensors live, with the accelerator's name where there is one.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Processor threads for arithmetic.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>The seed that everything random derives from.</summary>
    public long Seed { get; init; }

    /// <summary>SHA-256 of the content of every file and folder read, by its key in the run file.</summary>
    public IReadOnlyDictionary<string, string> Inputs { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The models from the Hub that the run begins with, by their key in the run file.</summary>
    public IReadOnlyDictionary<string, HubModel> Models { get; init; } = new SortedDictionary<string, HubModel>(StringComparer.Ordinal);

    /// <summary>The overrides of the run file.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    private static string ProcessorName()
    {
        try
        {
            const string Information = "/proc/cpuinfo";
            var line = File.Exists(Information)
                ? File.ReadLines(Information).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
                : null;
            return line?.Split(':', 2)[^1].Trim() ?? string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} cores");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "unknown";
        }
    }
}
