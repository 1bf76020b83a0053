namespace Understudy.Hub;

/// <summary>
/// Downloads on disk, laid out as <c>huggingface_hub</c> does it, so that both use each other's:
/// <c>models--OWNER--NAME/{refs/REVISION, blobs/ETAG, snapshots/COMMIT/FILE}</c>, the last a relative link to the blob.
/// </summary>
/// <remarks>https://huggingface.co/docs/huggingface_hub/guides/manage-cache</remarks>
/// <param name="folder">The cache folder.</param>
internal sealed class HubCache(string folder)
{
    /// <summary>Whether links can be made; some file systems have none.</summary>
    public bool Links { get; set; } = true;

    public string Folder => folder;

    /// <summary>The commit that a revision stood for when it was last downloaded; null when it never was.</summary>
    public string? CommitOf(HubName name)
    {
        if (HubName.IsCommit(name.Revision))
            return name.Revision;
        var path = RefPath(name);
        if (!File.Exists(path) || new FileInfo(path).Length > 64)
            return null;
        return File.ReadAllText(path).Trim() is var commit && HubName.IsCommit(commit) ? commit : null;
    }

    public string Snapshot(HubName name, string commit) => Path.Combine(Repository(name), "snapshots", commit);

    public string Blob(HubName name, string etag) => Path.Combine(Repository(name), "blobs", etag);

    /// <summary>The lock that <c>huggingface_hub</c> takes for this blob.</summary>
    public string LockPath(HubName name, string etag) => Path.Combine(folder, ".locks", FolderName(name), $"{etag}.lock");

    /// <summary>Whether a file is there; a link whose target is gone is not.</summary>
    public static bool Holds(string path)
    {
        var info = new FileInfo(path);
        return info.LinkTarget is null ? info.Exists : info.ResolveLinkTarget(returnFinalTarget: true) is FileInfo { Exists: true };
    }

    /// <summary>Notes what a revision stands for. Called when the snapshot is whole, so that an offline run never finds half of one.</summary>
    public void WriteRef(HubName name, string commit)
    {
        if (HubName.IsCommit(name.Revision) || CommitOf(name) == commit)
            return;
        var path = RefPath(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Replace(path, temporary => File.WriteAllText(temporary, commit));
    }

    /// <summary>Puts a blob into a snapshot under its file's name.</summary>
    /// <param name="name">The repository.</param>
    /// <param name="commit">The snapshot.</param>
    /// <param name="file">The name, without folders.</param>
    /// <param name="etag">The blob.</param>
    /// <param name="fresh">Whether it was downloaded just now: without links it is then moved, as <c>huggingface_hub</c> does, since no other snapshot needs it.</param>
    public void Put(HubName name, string commit, string file, string etag, bool fresh)
    {
        var snapshot = Snapshot(name, commit);
        Directory.CreateDirectory(snapshot);
        var path = Path.Combine(snapshot, file);
        if (Holds(path))
            return;
        var blob = Blob(name, etag);
        if (Links)
        {
            try
            {
                Replace(path, temporary => File.CreateSymbolicLink(temporary, Path.Combine("..", "..", "blobs", etag)));
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
            {
                Links = false;
            }
        }
        if (fresh)
            File.Move(blob, path, overwrite: true);
        else
            Replace(path, temporary => File.Copy(blob, temporary));
    }

    private string Repository(HubName name) => Path.Combine(folder, FolderName(name));

    private static string FolderName(HubName name) => $"models--{name.Owner}--{name.Repository}";

    private string RefPath(HubName name) => Path.Combine([Repository(name), "refs", .. name.Revision.Split('/')]);

    // Another process may do the same: whoever comes last wins, and both have written the same.
    private static void Replace(string path, Action<string> write)
    {
        var temporary = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            write(temporary);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
