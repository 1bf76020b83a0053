using System.Net;
using System.Text.Json;

namespace Understudy.Hub;

/// <summary>Downloads models from the Hugging Face Hub into the cache that <c>huggingface_hub</c> uses. Belongs to one thread.</summary>
/// <remarks>https://huggingface.co/docs/hub/api and https://huggingface.co/docs/huggingface_hub/guides/download.</remarks>
public sealed class HubClient : IDisposable
{
    private const int MostFiles = 100_000;
    private const long MostListBytes = 64 << 20, MostSmallBytes = 1L << 30, MostWeightBytes = 1L << 42;

    private readonly HubSettings settings;
    private readonly HubConnection connection;
    private readonly HubCache cache;
    private readonly Func<string, long> freeSpace;
    // The names of a repository's files; null for a model that the cache alone knows.
    private readonly Dictionary<HubModel, IReadOnlySet<string>?> found = [];

    /// <summary>A client that asks nothing yet.</summary>
    public HubClient(HubSettings settings)
        : this(settings, (pause, cancel) => cancel.WaitHandle.WaitOne(pause), folder => new DriveInfo(folder).AvailableFreeSpace, TimeSpan.FromSeconds(60), links: true)
    {
    }

    internal HubClient(HubSettings settings, Action<TimeSpan, CancellationToken> wait, Func<string, long> freeSpace, TimeSpan patience, bool links)
    {
        ArgumentNullException.ThrowIfNull(settings);
        this.settings = settings;
        this.freeSpace = freeSpace;
        connection = new HubConnection(settings, wait, patience);
        cache = new HubCache(settings.CacheFolder) { Links = links };
    }

    /// <summary>Finds out which commit a name stands for now, and that it is a model that can be had. No weights are downloaded.</summary>
    /// <param name="name">The model.</param>
    /// <param name="progress">Told when a request is repeated or the cache stands in for the Hub.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="HubException">It cannot be had; the message says why and what to do.</exception>
    public HubModel Find(HubName name, IHubProgress progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (settings.Offline)
            return InCache(name) ?? throw new HubException($"{name}: HF_HUB_OFFLINE is set, and the cache '{cache.Folder}' {WhatCacheLacks(name)}. Unset HF_HUB_OFFLINE to download it, or name a local folder.");
        try
        {
            var (commit, files) = List(name, progress, cancel);
            var small = HubFiles.SmallFiles(name, files);
            // The list of a gated repository's files is public; the files are not.
            if (small.FirstOrDefault(file => !HubCache.Holds(Path.Combine(cache.Snapshot(name, commit), file))) is { } first)
                Describe(name, commit, first, MostSmallBytes, progress, cancel);
            var model = new HubModel(name.Id, name.Revision, commit);
            found[model] = files;
            return model;
        }
        catch (HubException e) when (e.Unreachable && InCache(name) is { } model)
        {
            progress.Note($"{name}: {e.InnerException?.Message ?? e.Message} It is taken from the cache: commit {model.Commit}.");
            return model;
        }
    }

    /// <summary>Downloads what the cache does not have of a model.</summary>
    /// <param name="model">What <see cref="Find"/> found.</param>
    /// <param name="progress">Told how much has arrived.</param>
    /// <param name="cancel">Stops it; what has arrived is kept for the next call.</param>
    /// <returns>The folder with its files.</returns>
    /// <exception cref="HubException">It cannot be had; the message says why and what to do.</exception>
    public string Fetch(HubModel model, IHubProgress progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (!found.TryGetValue(model, out var files))
            throw new ArgumentException("The model was not found by this client.", nameof(model));
        var name = HubName.Parse($"{model.Name}@{model.Revision}");
        var snapshot = cache.Snapshot(name, model.Commit);
        if (files is null)
            return snapshot;
        try
        {
            // Weights come last: a snapshot that has them has everything.
            Get(name, model.Commit, HubFiles.SmallFiles(name, files), MostSmallBytes, false, progress, cancel);
            Get(name, model.Commit, HubFiles.WeightFiles(name, files, snapshot), MostWeightBytes, true, progress, cancel);
            cache.WriteRef(name, model.Commit);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new HubException($"{name}: there is no permission to write into the cache '{cache.Folder}'. Make it writable for this user, or name another folder in HF_HOME.", e);
        }
        return snapshot;
    }

    /// <inheritdoc/>
    public void Dispose() => connection.Dispose();

    private HubModel? InCache(HubName name)
    {
        if (cache.CommitOf(name) is not { } commit || HubFiles.Missing(name, cache.Snapshot(name, commit)) is not null)
            return null;
        var model = new HubModel(name.Id, name.Revision, commit);
        found[model] = null;
        return model;
    }

    private string WhatCacheLacks(HubName name) =>
        cache.CommitOf(name) is { } commit && Directory.Exists(cache.Snapshot(name, commit))
            ? $"lacks {HubFiles.Missing(name, cache.Snapshot(name, commit))} of its commit {commit}"
            : $"has no revision '{name.Revision}' of it";

    private (string Commit, IReadOnlySet<string> Files) List(HubName name, IHubProgress progress, CancellationToken cancel)
    {
        var body = connection.Repeat(name, progress, () =>
        {
            using var response = connection.Send(HttpMethod.Get, connection.Address("api", "models", name.Owner, name.Repository, "revision", name.Revision), 0, away: false, null, cancel);
            connection.Check(response, name, null);
            return Body(name, response, cancel);
        }, cancel);
        try
        {
            using var json = JsonDocument.Parse(body);
            var commit = json.RootElement.GetProperty("sha").GetString() ?? "";
            var siblings = json.RootElement.GetProperty("siblings");
            if (!HubName.IsCommit(commit))
                throw new HubException($"{name}: expected a commit of 40 hexadecimal digits from {settings.Endpoint.Host}, found {Data.ShownText.Of(commit)}. Check HF_ENDPOINT.");
            if (siblings.GetArrayLength() > MostFiles)
                throw new HubException($"{name}: expected at most {MostFiles} files, found {siblings.GetArrayLength()}. A model has fewer.");
            return (commit, siblings.EnumerateArray().Select(file => file.GetProperty("rfilename").GetString() ?? "").ToHashSet(StringComparer.Ordinal));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new HubException($"{name}: {settings.Endpoint.Host} answers something else than the Hub does: expected 'sha' and 'siblings'. Check HF_ENDPOINT.", e);
        }
    }

    private byte[] Body(HubName name, HttpResponseMessage response, CancellationToken cancel)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var stream = response.Content.ReadAsStream(cancel);
        using var body = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int read; (read = connection.Read(stream, buffer, silence, cancel)) > 0;)
        {
            body.Write(buffer, 0, read);
            if (body.Length > MostListBytes)
                throw new HubException($"{name}: expected a list of files, found more than {MostListBytes} bytes of it. Check HF_ENDPOINT.");
        }
        return body.ToArray();
    }

    private RemoteFile Describe(HubName name, string commit, string file, long most, IHubProgress progress, CancellationToken cancel) => connection.Repeat(name, progress, () =>
    {
        // Only the first answer speaks of the repository: a content server has an etag of its own.
        var linked = new LinkedFile();
        using var response = Headers(connection.Address([name.Owner, name.Repository, "resolve", commit, file]), linked, cancel);
        if ((int)response.StatusCode / 100 != 3)
            connection.Check(response, name, file);
        linked.Read(response);
        var (etag, size) = linked.Complete(response);
        if (linked.Commit is { } other && other != commit)
            throw new HubException($"{name}: asked for commit {commit}, {settings.Endpoint.Host} answers for {Data.ShownText.Of(other)}. Check HF_ENDPOINT.");
        if (etag is null)
            throw new HubException($"{name}: {settings.Endpoint.Host} does not say what {file} is (no ETag that can name a file). Check HF_ENDPOINT.");
        return size is < 0 || size > most
            ? throw new HubException($"{name}: expected {file} of at most {most} bytes, found {size}.")
            : new RemoteFile(file, etag, size, most);
    }, cancel);

    private HttpResponseMessage Headers(Uri uri, LinkedFile linked, CancellationToken cancel)
    {
        var response = connection.Send(HttpMethod.Head, uri, 0, away: false, linked.Read, cancel);
        if (response.StatusCode is not (HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented))
            return response;
        // A plain server that knows GET alone; its body is not read.
        response.Dispose();
        return connection.Send(HttpMethod.Get, uri, 0, away: false, linked.Read, cancel);
    }

    private void Get(HubName name, string commit, IReadOnlyList<string> files, long most, bool shown, IHubProgress progress, CancellationToken cancel)
    {
        var snapshot = cache.Snapshot(name, commit);
        var missing = files.Where(file => !HubCache.Holds(Path.Combine(snapshot, file))).Select(file => Describe(name, commit, file, most, progress, cancel)).ToArray();
        var absent = missing.Where(file => !HubCache.Holds(cache.Blob(name, file.ETag))).ToArray();
        CheckSpace(name, absent);
        var download = new BlobDownload(connection, cache, name, commit, shown ? progress : new Quiet(progress), cancel);
        if (shown && absent.Length > 0)
            progress.Begin(name, absent.All(file => file.Size is not null) ? absent.Sum(file => file.Size) : null);
        var whole = false;
        try
        {
            foreach (var file in missing)
            {
                var fresh = absent.Contains(file) && download.Fetch(file);
                cache.Put(name, commit, file.Name, file.ETag, fresh);
            }
            whole = true;
        }
        finally
        {
            if (shown && absent.Length > 0)
                progress.Finish(whole);
        }
    }

    private void CheckSpace(HubName name, RemoteFile[] absent)
    {
        var needed = absent.Sum(file => Math.Max(0, (file.Size ?? 0) - BlobDownload.PartialBytes(cache.Blob(name, file.ETag))));
        if (needed == 0)
            return;
        Directory.CreateDirectory(cache.Folder);
        if (freeSpace(cache.Folder) is var free && free < needed)
            throw new HubException($"{name}: expected {needed / 1e9:0.0} GB of free disk space for the cache '{cache.Folder}', found {free / 1e9:0.0} GB. Free some, or name a folder on another disk in HF_HOME.");
    }

    private sealed class Quiet(IHubProgress inner) : IHubProgress
    {
        public void Note(string text) => inner.Note(text);

        public void Begin(HubName model, long? bytes)
        {
        }

        public void Received(long bytes)
        {
        }

        public void Finish(bool whole)
        {
        }
    }
}
