using System.Text.Json;

namespace Understudy.Runs;

/// <summary>Keeps a second process out of a run folder. The operating system lets go of it when the process ends, however it ends.</summary>
internal sealed class RunLock : IDisposable
{
    private const int HeldByAnother = 11;

    private readonly FileStream held;

    private RunLock(FileStream held) => this.held = held;

    /// <exception cref="IOException">Another process has it; the message says which, and on which machine.</exception>
    public static RunLock Take(string folder)
    {
        var path = Path.Combine(folder, ".lock");
        var holder = Path.Combine(folder, ".lock.holder.json");
        FileStream held;
        try
        {
            held = Open(path);
        }
        catch (IOException e) when (Storage.Errno(e) is HeldByAnother || OperatingSystem.IsWindows())
        {
            throw new IOException($"The run folder '{folder}' is in use by {Describe(holder)}. Wait until it ends, stop it, or choose another folder with --output.");
        }
        try
        {
            Storage.Replace(holder, RunJson.Text(new Holder(Environment.ProcessId, Environment.MachineName)));
        }
        catch
        {
            held.Dispose();
            throw;
        }
        return new RunLock(held);
    }

    /// <summary>Who has the folder, in words; null when nobody has. Nothing is written.</summary>
    public static string? HolderOf(string folder)
    {
        var path = Path.Combine(folder, ".lock");
        try
        {
            // Opening to read asks for a shared lock, which fails while a run has the whole.
            using var free = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1);
            return null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (IOException) when (File.Exists(path))
        {
            return Describe(Path.Combine(folder, ".lock.holder.json"));
        }
    }

    public void Dispose() => held.Dispose();

    // A look at the lock (HolderOf) holds it for a moment; a run that begins in that moment must not be turned away.
    private static FileStream Open(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (attempt < 5 && File.Exists(path))
            {
                Thread.Sleep(20);
            }
        }
    }

    // The holder's name is a courtesy: a missing or damaged file must not hide that the folder is taken.
    private static string Describe(string path)
    {
        try
        {
            var holder = RunJson.Read<Holder>(path);
            return $"process {holder.ProcessId} on '{holder.Host}'";
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or JsonException)
        {
            return "another process";
        }
    }

    private sealed record Holder(int ProcessId, string Host);
}
