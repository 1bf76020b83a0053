using Understudy.Hub;

namespace Understudy.Tests.Hub;

/// <summary>A server, an empty cache, and a client that does not really wait.</summary>
internal sealed class HubFixture : IHubProgress, IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Lock guard = new();

    public HubServer Server { get; init; } = new();

    public string Cache => folder["cache"];

    public string? Token { get; init; }

    public bool Offline { get; set; }

    public bool Links { get; init; } = true;

    public long Free { get; set; } = long.MaxValue;

    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(20);

    public List<double> Pauses { get; } = [];

    public List<string> Notes { get; } = [];

    public List<long?> Begun { get; } = [];

    public List<bool> Ended { get; } = [];

    public long Bytes { get; private set; }

    /// <summary>Called when bytes have arrived.</summary>
    public Action? OnBytes { get; set; }

    public static HubName Named(string text = "owner/tiny-model") => HubName.Parse(text);

    public string Repository => Path.Combine(Cache, "models--owner--tiny-model");

    public string Snapshot => Path.Combine(Repository, "snapshots", HubServer.Commit);

    public HubClient Client() => new(
        new HubSettings { Endpoint = Server.Address, CacheFolder = Cache, Token = Token, TokenSource = "HF_TOKEN", Offline = Offline },
        (pause, _) => Pauses.Add(pause.TotalSeconds),
        _ => Free,
        Patience,
        Links);

    /// <summary>Finds and downloads with a client of its own.</summary>
    public string Download(string name = "owner/tiny-model", CancellationToken cancel = default)
    {
        using var client = Client();
        return client.Fetch(client.Find(Named(name), this, cancel), this, cancel);
    }

    /// <summary>The message of a download that fails.</summary>
    public string Fault(string name = "owner/tiny-model") => Assert.Throws<HubException>(() => Download(name)).Message.Replace(Server.Address.ToString(), "http://hub/", StringComparison.Ordinal);

    /// <summary>The blob of a file of the server.</summary>
    public string Blob(string file) => Path.Combine(Repository, "blobs", HubServer.ETag(file, Server.Files[file]));

    /// <summary>Requests for the bytes of a file, with the first byte that each asked for.</summary>
    public string[] Ranges(string file) =>
        [.. Server.Requests.Where(request => request.Method == "GET" && request.Path == HubServer.Resolve(file)).Select(request => request["Range"] ?? "all")];

    /// <summary>Everything in the cache, by its path in it; links with their target.</summary>
    public string[] Tree() =>
    [
        .. Directory.EnumerateFiles(Cache, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
            .Select(file => Path.GetRelativePath(Cache, file) + (new FileInfo(file).LinkTarget is { } target ? $" -> {target}" : "")).Order(StringComparer.Ordinal),
    ];

    public void Note(string text)
    {
        lock (guard)
            Notes.Add(text);
    }

    public void Begin(HubName model, long? bytes)
    {
        lock (guard)
            Begun.Add(bytes);
    }

    public void Received(long bytes)
    {
        lock (guard)
            Bytes += bytes;
        if (bytes > 0)
            OnBytes?.Invoke();
    }

    public void Finish(bool whole)
    {
        lock (guard)
            Ended.Add(whole);
    }

    public void Dispose()
    {
        Server.Dispose();
        folder.Dispose();
    }
}
