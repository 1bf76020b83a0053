namespace Understudy.Hub;

/// <summary>
/// Lets one process at a time download a blob. It is the lock of <c>huggingface_hub</c> (flock on the same file), so that Python waits as
/// well; the operating system lets go of it when the process ends, however it ends.
/// </summary>
internal static class BlobLock
{
    private const int HeldByAnother = 11;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits until no other process has it.</summary>
    /// <param name="path">The lock file; made when it is not there.</param>
    /// <param name="waiting">Called once when it has to wait.</param>
    /// <param name="cancel">Stops the waiting.</param>
    public static FileStream Take(string path, Action waiting, CancellationToken cancel)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        for (var waits = 0; ; waits++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            }
            catch (IOException e) when (e.HResult == HeldByAnother || (OperatingSystem.IsWindows() && File.Exists(path)))
            {
                if (waits == 0)
                    waiting();
                cancel.WaitHandle.WaitOne(Look);
                cancel.ThrowIfCancellationRequested();
            }
        }
    }
}
