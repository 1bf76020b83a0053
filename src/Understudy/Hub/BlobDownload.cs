using System.Net;

namespace Understudy.Hub;

/// <summary>A file of a repository as the server describes it.</summary>
/// <param name="Name">Its name, without folders.</param>
/// <param name="ETag">What its blob is called.</param>
/// <param name="Size">Its bytes; null when the server does not say.</param>
/// <param name="Most">The most bytes that are taken.</param>
internal sealed record RemoteFile(string Name, string ETag, long? Size, long Most);

/// <summary>Brings one file into the cache: what has arrived of it before is kept, and it is what its etag says or it is not there.</summary>
internal sealed class BlobDownload(HubConnection connection, HubCache cache, HubName name, string commit, IHubProgress progress, CancellationToken cancel)
{
    private const int BufferSize = 1 << 20, NoSpaceLeft = 28, QuotaExceeded = 122;

    // A server that drops every connection after a few bytes must not be asked for ever.
    private const long Progress = 1 << 20;

    /// <summary>Bytes of a file that arrived in an earlier attempt.</summary>
    public static long PartialBytes(string blob) => new FileInfo(Partial(blob)) is { Exists: true } partial ? partial.Length : 0;

    /// <summary>Downloads a blob that is not there.</summary>
    /// <returns>False when another process has done it meanwhile.</returns>
    /// <exception cref="HubException">It cannot be had, or it is not what its etag says.</exception>
    public bool Fetch(RemoteFile file)
    {
        var blob = cache.Blob(name, file.ETag);
        Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
        using var held = BlobLock.Take(cache.LockPath(name, file.ETag), () => progress.Note($"{name}: another process downloads {file.Name}; waiting for it."), cancel);
        if (HubCache.Holds(blob))
        {
            progress.Received(file.Size ?? 0);
            return false;
        }
        var partial = Partial(blob);
        var earlier = PartialBytes(blob);
        progress.Received(earlier);
        if (Receive(file, partial) is { } fault)
        {
            var length = new FileInfo(partial).Length;
            File.Delete(partial);
            progress.Received(-length);
            // What an earlier process had left may have been damaged; what arrived now was not, as far as anybody knows.
            if (earlier == 0)
                throw Wrong(file, fault);
            progress.Note($"{name}: {file.Name} is not what the Hub has ({fault}). What an earlier download had left of it is removed, and it is downloaded as a whole.");
            if (Receive(file, partial) is { } again)
            {
                File.Delete(partial);
                throw Wrong(file, again);
            }
        }
        File.Move(partial, blob, overwrite: true);
        return true;
    }

    private static string Partial(string blob) => $"{blob}.incomplete";

    private HubException Wrong(RemoteFile file, string fault) =>
        new($"{name}: {file.Name} arrived damaged: {fault}. What had arrived is removed. Run the same command again; when that does not help, the server or something on the way to it changes files.");

    // What is wrong with the file that arrived, or null.
    private string? Receive(RemoteFile file, string partial)
    {
        using var hash = new BlobHash(file.ETag);
        try
        {
            connection.Repeat(name, progress, () =>
            {
                using var stream = new FileStream(partial, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, 1);
                Receive(file, stream, hash);
                stream.Flush(flushToDisk: true);
                return true;
            }, cancel);
            return hash.Fault(partial, cancel);
        }
        catch (IOException e) when (e is not HubException && !OperatingSystem.IsWindows() && e.HResult is NoSpaceLeft or QuotaExceeded)
        {
            throw new HubException($"{name}: the disk is full: '{partial}' could not be written. Free some space and run the same command again; it continues where it stopped. HF_HOME names a folder on another disk.", e);
        }
    }

    private void Receive(RemoteFile file, FileStream stream, BlobHash hash)
    {
        if (stream.Length > (file.Size ?? file.Most))
            Restart(stream, hash);
        if (stream.Length == file.Size)
            return;
        using var response = connection.Send(HttpMethod.Get, connection.Address([name.Owner, name.Repository, "resolve", commit, file.Name]), stream.Length, away: true, null, cancel);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && stream.Length > 0)
        {
            Restart(stream, hash);
            throw new TransientHubException($"The Hub has not the part of {file.Name} that is missing here, so it is downloaded as a whole.", TimeSpan.Zero);
        }
        connection.Check(response, name, file.Name);
        if (response.StatusCode != HttpStatusCode.PartialContent)
        {
            Restart(stream, hash);
        }
        else if (response.Content.Headers.ContentRange is not { From: { } first } range || first != stream.Length || (file.Size is { } all && range.Length is { } told && told != all))
        {
            Restart(stream, hash);
            throw new TransientHubException($"The Hub sends another part of {file.Name} than was asked for, so it is downloaded as a whole.", TimeSpan.Zero);
        }
        stream.Position = stream.Length;
        Copy(file, response, stream, hash);
    }

    private void Copy(RemoteFile file, HttpResponseMessage response, FileStream stream, BlobHash hash)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var body = response.Content.ReadAsStream(cancel);
        var buffer = new byte[BufferSize];
        var begin = stream.Position;
        try
        {
            for (int read; (read = connection.Read(body, buffer, silence, cancel)) > 0;)
            {
                if (stream.Position + read > (file.Size ?? file.Most))
                {
                    Restart(stream, hash);
                    throw new HubException($"{name}: expected {file.Size ?? file.Most} bytes of {file.Name}{(file.Size is null ? " at most" : "")}, found more. What had arrived is removed.");
                }
                hash.Append(stream.Position, buffer.AsSpan(0, read));
                stream.Write(buffer, 0, read);
                progress.Received(read);
            }
        }
        catch (TransientHubException e) when (stream.Position - begin >= Progress)
        {
            throw new TransientHubException(e.Message, progressed: true);
        }
        if (file.Size is { } size && stream.Position < size)
            throw new TransientHubException($"The connection was closed after {stream.Position} of {size} bytes of {file.Name}.", progressed: stream.Position - begin >= Progress);
    }

    private void Restart(FileStream stream, BlobHash hash)
    {
        hash.Restart();
        progress.Received(-stream.Length);
        stream.SetLength(0);
        stream.Position = 0;
    }
}
