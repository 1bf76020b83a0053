using System.Diagnostics;

namespace Understudy.Tests.Runs;

/// <summary>
/// A file system in memory of a size that can be changed, mounted over a folder in a namespace of its own: no right is needed where
/// users may make namespaces, and nothing is left mounted when the tests die.
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    // Mounts, says so, and stays until its input ends; what runs in the namespace is started from outside with nsenter.
    private const string Script = """mount -t tmpfs -o size="$1" none "$2" && echo mounted && exec cat >/dev/null""";

    private readonly Process holder;
    private readonly string folder;

    /// <summary>Mounts over an empty folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="bytes">Room.</param>
    public SmallDisk(string folder, long bytes)
    {
        this.folder = folder;
        Directory.CreateDirectory(folder);
        holder = Hold(folder, bytes);
        if (holder.StandardOutput.ReadLine() != "mounted")
            throw new InvalidOperationException($"'{folder}' could not be mounted: {holder.StandardError.ReadToEnd()}");
    }

    /// <summary>What to put in front of a command so that it sees the disk.</summary>
    /// <remarks>The working folder has to be entered again: the old one belongs to the file systems outside.</remarks>
    public IReadOnlyList<string> Inside =>
        ["nsenter", "--target", $"{holder.Id}", "--user", "--preserve-credentials", "--mount", "sh", "-c", "cd \"$0\" && exec \"$@\"", Path.GetDirectoryName(folder)!];

    /// <summary>The folder as it is seen from outside.</summary>
    public string Outside => $"/proc/{holder.Id}/root{folder}";

    /// <summary>Why there can be no small disk here; null where there can.</summary>
    public static string? Hindrance()
    {
        if (!OperatingSystem.IsLinux())
            return "Only Linux can mount a file system in a namespace of its own.";
        var place = Directory.CreateTempSubdirectory("understudy-");
        try
        {
            using var disk = new SmallDisk(place.FullName, 1 << 20);
            var start = new ProcessStartInfo(disk.Inside[0], [.. disk.Inside.Skip(1), "true"]) { RedirectStandardError = true };
            using var probe = Process.Start(start)!;
            var error = probe.StandardError.ReadToEnd();
            probe.WaitForExit();
            return probe.ExitCode == 0 ? null : $"A program cannot be started where a small disk is mounted: {error.Trim()}";
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return $"No small disk can be mounted here: {e.Message.Trim()}";
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    /// <summary>Makes the disk larger.</summary>
    public void Resize(long bytes)
    {
        using var process = Process.Start(Inside[0], [.. Inside.Skip(1), "mount", "-o", $"remount,size={bytes}", folder]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    public void Dispose()
    {
        holder.Kill();
        holder.WaitForExit();
        holder.Dispose();
    }

    private static Process Hold(string folder, long bytes) =>
        Process.Start(new ProcessStartInfo("unshare", ["--user", "--map-root-user", "--mount", "sh", "-c", Script, "sh", $"{bytes}", folder])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
}

/// <summary>A test that needs a small disk; it is skipped, with the reason, where none can be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> Reason = new(SmallDisk.Hindrance);

    public SmallDiskFactAttribute() => Skip = Reason.Value;
}
