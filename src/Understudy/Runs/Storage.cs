using System.Runtime.InteropServices;

namespace Understudy.Runs;

/// <summary>Writes files so that a reader finds either the old content or the new one, and says plainly why a disk refuses.</summary>
internal static class Storage
{
    private const int NoSpaceLeft = 28, QuotaExceeded = 122, ReadOnlyFileSystem = 30;

    /// <summary>Puts <paramref name="text"/> in place of the file's content, in one step that a crash cannot divide.</summary>
    public static void Replace(string path, string text) => Replace(path, stream =>
    {
        using var writer = new StreamWriter(stream, leaveOpen: true);
        writer.Write(text);
    });

    /// <summary>Puts what <paramref name="write"/> writes in place of the file's content, in one step that a crash cannot divide.</summary>
    /// <exception cref="IOException">The disk refuses; the old content is untouched.</exception>
    public static void Replace(string path, Action<Stream> write)
    {
        // Beside the target, since a rename is atomic only within one file system.
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        Guard(path, () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            try
            {
                using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
                {
                    write(stream);
                    stream.Flush(flushToDisk: true);
                }
                File.Move(temporary, path, overwrite: true);
            }
            catch
            {
                File.Delete(temporary);
                throw;
            }
        });
    }

    /// <summary>Finds out, before work that takes long, whether its result can be written.</summary>
    /// <exception cref="IOException">It cannot.</exception>
    public static void CheckReplaceable(string path) => Guard(path, () =>
    {
        if (Directory.Exists(path))
        {
            throw new IOException($"'{path}' is a folder, and a file is to be written. Name a file in it.");
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using var probe = new FileStream($"{path}.{Environment.ProcessId}.tmp", FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
    });

    /// <summary>Runs <paramref name="action"/>, turning what the operating system says about <paramref name="path"/> into a sentence with a cure.</summary>
    public static void Guard(string path, Action action) => Guard(path, () =>
    {
        action();
        return 0;
    });

    /// <inheritdoc cref="Guard(string, Action)"/>
    public static T Guard<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"There is no permission to write '{path}'. Make it writable for this user, or choose another run folder with --output.", e);
        }
        catch (IOException e) when (IsFull(e))
        {
            throw Full(path, e);
        }
        catch (IOException e) when (Errno(e) is ReadOnlyFileSystem)
        {
            throw new IOException($"'{path}' lies on a read-only file system. Choose another run folder with --output.", e);
        }
    }

    /// <summary>Runs what writes to a run folder by ways that do not know of it, such as models and tokenizers: a full disk is told as <see cref="Guard(string, Action)"/> does.</summary>
    public static T GuardFull<T>(string folder, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (IOException e) when (IsFull(e))
        {
            throw Full(folder, e);
        }
    }

    /// <summary>The number under which Linux knows the error.</summary>
    internal static int Errno(IOException e) => RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? 0 : e.HResult;

    private static bool IsFull(IOException e) => Errno(e) is NoSpaceLeft or QuotaExceeded;

    private static IOException Full(string path, IOException e) =>
        new($"The disk is full: '{path}' could not be written. Free some space and run the same command again; it continues where it stopped.", e);
}
