using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>All that a bench measured, and on what: what <c>understudy bench --json</c> writes.</summary>
public sealed record BenchReport
{
    /// <summary>The version of this format.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The version of the format; a file of another one is not read.</summary>
    public required int Format { get; init; }

    /// <summary>When it was measured, in UTC.</summary>
    public required DateTime Date { get; init; }

    /// <summary>The program that measured.</summary>
    public required BenchProgram Program { get; init; }

    /// <summary>The machine.</summary>
    public required BenchMachine Machine { get; init; }

    /// <summary>What was measured.</summary>
    public required IReadOnlyList<BenchResult> Results { get; init; }

    /// <summary>How it compares with another program, and with an earlier measurement; none where it was not compared.</summary>
    public IReadOnlyList<BenchComparison> Comparisons { get; init; } = [];

    /// <summary>A report of this program on this machine.</summary>
    /// <param name="results">What was measured.</param>
    /// <param name="device">Where.</param>
    /// <param name="program">Where the program is: what starts it again.</param>
    /// <param name="date">When, in UTC.</param>
    public static BenchReport Of(IReadOnlyList<BenchResult> results, Device device, string program, DateTime date)
    {
        var circumstances = new RunManifest();
        return new BenchReport
        {
            Format = CurrentFormat,
            Date = date,
            Program = new BenchProgram(circumstances.Understudy.Split('+')[0], BenchProgram.BuildAt(AppContext.BaseDirectory), program),
            Machine = new BenchMachine(circumstances.Processor, circumstances.Cores, ProcessorCores.Count, circumstances.MemoryGib, circumstances.OperatingSystem, circumstances.Dotnet, torch.__version__, device.ToString()),
            Results = results,
        };
    }

    /// <summary>Reads a report.</summary>
    /// <param name="path">What <see cref="Write"/> wrote.</param>
    /// <exception cref="InvalidDataException">The file is not such a report.</exception>
    public static BenchReport Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidDataException($"{path}: there is no such file. 'understudy bench --json FILE' writes one.", e);
        }
    }

    /// <summary>Writes the report.</summary>
    /// <param name="path">The file, which is replaced.</param>
    public void Write(string path) => Storage.Replace(path, ToJson());

    internal string ToJson() => RunJson.Text(this);

    internal static BenchReport Parse(string json, string path)
    {
        BenchReport report;
        try
        {
            // Another format may have other keys.
            if (JsonNode.Parse(json) is JsonObject any && any["format"] is JsonValue number && number.TryGetValue<int>(out var format) && format != CurrentFormat)
            {
                throw new InvalidDataException($"{path}: expected a benchmark of format {CurrentFormat}, found format {format}. Measure again with the program that wrote it, or with this one.");
            }

            report = RunJson.ParseText<BenchReport>(json);
        }
        catch (System.Text.Json.JsonException e)
        {
            throw new InvalidDataException($"{path}: expected what 'understudy bench --json' writes, found something else ({e.Message}).", e);
        }

        return report.Results.Count > 0 ? report : throw new InvalidDataException($"{path}: expected at least one measurement in 'results', found none.");
    }
}

/// <summary>A program that measured.</summary>
/// <param name="Version">The version of Understudy.</param>
/// <param name="Build">Tells one build of a version from another.</param>
/// <param name="Path">Where it was: an executable, or a <c>.dll</c> that <c>dotnet</c> starts.</param>
public sealed record BenchProgram(string Version, string Build, string Path)
{
    private const string NativeLibrary = "libunderstudy_native.so";

    /// <summary>Tells the build in a folder from others: a hash of the program's own files, the native library included.</summary>
    /// <param name="folder">Where the program is.</param>
    internal static string BuildAt(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var own = Directory.EnumerateFiles(folder, "Understudy*.dll").Where(file => !file.EndsWith(".Tests.dll", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        foreach (var file in own.Concat(NativeFiles(folder).Where(File.Exists).Take(1)))
        {
            hash.AppendData(File.ReadAllBytes(file));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    // Where the binding looks for it.
    private static IEnumerable<string> NativeFiles(string folder)
    {
        if (Environment.GetEnvironmentVariable("UNDERSTUDY_NATIVE") is { Length: > 0 } named)
        {
            yield return Directory.Exists(named) ? System.IO.Path.Combine(named, NativeLibrary) : named;
        }

        yield return System.IO.Path.Combine(folder, NativeLibrary);
        for (var above = new DirectoryInfo(folder); above is not null; above = above.Parent)
        {
            yield return System.IO.Path.Combine(above.FullName, ".build", "native", NativeLibrary);
        }
    }
}

/// <summary>A machine that was measured.</summary>
/// <param name="Processor">The processor's name and instruction set.</param>
/// <param name="LogicalProcessors">Processors that the system sees.</param>
/// <param name="Cores">Cores that the program may compute on.</param>
/// <param name="MemoryGib">Memory, in GiB.</param>
/// <param name="OperatingSystem">The operating system.</param>
/// <param name="Dotnet">The version of .NET.</param>
/// <param name="Libtorch">The version of libtorch.</param>
/// <param name="Device">Where tensors were.</param>
public sealed record BenchMachine(string Processor, int LogicalProcessors, int Cores, double MemoryGib, string OperatingSystem, string Dotnet, string Libtorch, string Device);
