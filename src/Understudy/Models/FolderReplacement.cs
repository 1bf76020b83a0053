using System.Runtime.InteropServices;

namespace Understudy.Models;

/// <summary>
/// Puts a folder with new content in the place of an older one, in one step: at any moment, also after a kill or a power cut, there is
/// the old folder as a whole or the new one. Files of the old folder that the new content does not supersede are carried over.
/// </summary>
/// <remarks>
/// The new folder is written beside the old one and the two exchange names (<c>renameat2</c>). A file system that cannot exchange has two
/// renames, between which <see cref="Recover"/> helps. A folder that cannot be renamed (a mount point, the current folder, one whose parent
/// may not be written to) gets the new files one by one, each whole, <c>config.json</c> last.
/// </remarks>
internal static partial class FolderReplacement
{
    private const int CurrentFolder = -100, Exchange = 2;

    private static readonly AsyncLocal<Action<string>?> Watcher = new();

    /// <summary>Told of every step before it is taken, for tests that look at what a kill would leave behind.</summary>
    internal static Action<string>? Watch
    {
        get => Watcher.Value;
        set => Watcher.Value = value;
    }

    /// <summary>Writes a folder's content.</summary>
    /// <param name="folder">The folder; made when it is not there.</param>
    /// <param name="superseded">Whether a file of this name belongs to the content that is replaced.</param>
    /// <param name="write">Writes the new content into the folder that it is given.</param>
    internal static void Write(string folder, Func<string, bool> superseded, Action<string> write)
    {
        var target = Real(folder);
        Recover(target);
        var (fresh, old) = (Beside(target, "saving"), Beside(target, "old"));
        if (!TryPrepare(target, fresh, old))
        {
            Directory.CreateDirectory(target);
            write(target);
            return;
        }

        try
        {
            write(fresh);
            Flush(fresh);
            if (Directory.Exists(target)) CarryOver(target, fresh, superseded);
            Swap(target, fresh, old, superseded);
        }
        catch
        {
            Delete(fresh);
            throw;
        }
    }

    /// <summary>Takes a folder back that was renamed for its replacement, when the process ended before that came.</summary>
    internal static void Recover(string folder)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (Path.GetDirectoryName(target) is null || Path.Exists(target) || !Directory.Exists(Beside(target, "old"))) return;
        Step("take the old folder back");
        Directory.Move(Beside(target, "old"), target);
    }

    /// <summary>Says that a step comes next.</summary>
    internal static void Step(string next) => Watch?.Invoke(next);

    private static bool TryPrepare(string target, string fresh, string old)
    {
        var current = Environment.CurrentDirectory + Path.DirectorySeparatorChar;
        if (Path.GetDirectoryName(target) is not { } parent || current.StartsWith(target + Path.DirectorySeparatorChar, StringComparison.Ordinal)) return false;
        Directory.CreateDirectory(parent);
        try
        {
            // Left behind by a process that was killed.
            Delete(fresh);
            Delete(old);
            Step("make the new folder");
            Directory.CreateDirectory(fresh);
            if (Directory.Exists(target) && !OperatingSystem.IsWindows()) File.SetUnixFileMode(fresh, File.GetUnixFileMode(target));
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void Swap(string target, string fresh, string old, Func<string, bool> superseded)
    {
        if (!Directory.Exists(target))
        {
            Step("rename the new folder");
            Directory.Move(fresh, target);
        }
        else
        {
            Step("exchange the folders");
            if (!TryExchange(fresh, target))
            {
                if (!TryMove(target, old))
                {
                    MoveInto(fresh, target, superseded);
                    return;
                }

                Step("rename the new folder");
                Directory.Move(fresh, target);
            }
        }

        FlushFolder(Path.GetDirectoryName(target)!);
        Step("delete the old folder");
        Delete(fresh);
        Delete(old);
    }

    private static bool TryExchange(string fresh, string target)
    {
        if (ExchangeIsOff || !OperatingSystem.IsLinux()) return false;
        try
        {
            return Rename(CurrentFolder, fresh, CurrentFolder, target, Exchange) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Whether folders are renamed as on a file system that cannot exchange two.</summary>
    internal static bool ExchangeIsOff { get; set; }

    private static bool TryMove(string from, string to)
    {
        try
        {
            Directory.Move(from, to);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void MoveInto(string fresh, string target, Func<string, bool> superseded)
    {
        var files = Directory.EnumerateFiles(fresh).Select(file => Path.GetFileName(file)!).OrderBy(name => name == ConfigJson.FileName).ToList();
        foreach (var file in files) File.Move(Path.Combine(fresh, file), Path.Combine(target, file), overwrite: true);
        foreach (var stale in Directory.EnumerateFiles(target).Where(file => superseded(Path.GetFileName(file)) && !files.Contains(Path.GetFileName(file)))) File.Delete(stale);
        FlushFolder(target);
        Delete(fresh);
    }

    private static void CarryOver(string from, string to, Func<string, bool> superseded)
    {
        foreach (var entry in new DirectoryInfo(from).EnumerateFileSystemInfos())
        {
            var copy = Path.Combine(to, entry.Name);
            if (Path.Exists(copy) || superseded(entry.Name)) continue;
            Step($"carry over {entry.Name}");
            if (entry.LinkTarget is { } link)
            {
                File.CreateSymbolicLink(copy, link);
            }
            else if (entry is DirectoryInfo)
            {
                Directory.CreateDirectory(copy);
                CarryOver(entry.FullName, copy, _ => false);
            }
            else if (OperatingSystem.IsWindows() || Link(entry.FullName, copy) != 0)
            {
                File.Copy(entry.FullName, copy);
            }
        }
    }

    private static void Flush(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite);
            RandomAccess.FlushToDisk(handle);
        }

        FlushFolder(folder);
    }

    // A rename is on the disk when its folder is.
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = Open(folder, 0);
        if (descriptor < 0) return;
        _ = Sync(descriptor);
        _ = Close(descriptor);
    }

    private static void Delete(string folder)
    {
        if (!Directory.Exists(folder)) return;
        Step($"delete {Path.GetFileName(folder)}");
        Directory.Delete(folder, recursive: true);
    }

    // What a link leads to is replaced, not the link.
    private static string Real(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Path.Exists(full) ? new DirectoryInfo(full).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? full : full;
    }

    private static string Beside(string target, string what) =>
        Path.Combine(Path.GetDirectoryName(target) ?? target, $".{Path.GetFileName(target)}.understudy-{what}");

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(int fromFolder, string from, int toFolder, string to, uint flags);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string name);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
