using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Understudy.Tests.Hub;

/// <summary>What a client asked for.</summary>
internal sealed record HubRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);
}

/// <summary>An answer; <paramref name="CutAfter"/> closes the connection after so many bytes of the body.</summary>
internal sealed record HubAnswer(int Status, byte[] Body, int? CutAfter = null, params (string Name, string Value)[] Headers)
{
    /// <summary>Whether the end of the body is the end of the connection, and nothing says how long it should have been.</summary>
    public bool WithoutLength { get; init; }
}

/// <summary>A Hub with one repository on this machine: the addresses and headers of the real one, and whatever can go wrong with it.</summary>
internal sealed class HubServer : IDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567", Owner = "owner", Name = "tiny-model";

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentQueue<HubRequest> requests = new();

    public HubServer(string name = "127.0.0.1")
    {
        listener.Start();
        Address = new Uri($"http://{name}:{((IPEndPoint)listener.LocalEndpoint).Port}");
        new Thread(Listen) { IsBackground = true }.Start();
    }

    public Uri Address { get; }

    public string Revision { get; init; } = "main";

    public string Sha { get; set; } = Commit;

    /// <summary>The files of the repository; those called *.safetensors are in large file storage.</summary>
    public SortedDictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal)
    {
        ["README.md"] = "# Tiny"u8.ToArray(),
        ["config.json"] = "{\"model_type\": \"gpt_neox\"}"u8.ToArray(),
        ["model.safetensors"] = [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * 7))],
        ["pytorch_model.bin"] = [1, 2, 3],
        ["tokenizer.json"] = "{\"version\": \"1.0\"}"u8.ToArray(),
    };

    /// <summary>Answers instead of the repository; null leaves the answer to it.</summary>
    public Func<HubRequest, HubAnswer?> Instead { get; set; } = _ => null;

    /// <summary>Where the large files are; null when they are here.</summary>
    public Uri? ContentServer { get; set; }

    public IReadOnlyList<HubRequest> Requests => [.. requests];

    /// <summary>The requests as <c>GET /path</c>.</summary>
    public string[] Asked => [.. requests.Select(request => $"{request.Method} {request.Path}")];

    public static string ETag(string name, byte[] content) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal)
            ? Convert.ToHexStringLower(SHA256.HashData(content))
            : GitHash(content);

    public static string Resolve(string file, string commit = Commit) => $"/{Owner}/{Name}/resolve/{commit}/{file}";

    /// <summary>A file, or the part of it that is asked for.</summary>
    public static HubAnswer Content(HubRequest request, byte[] content, int? cutAfter = null, params (string, string)[] headers)
    {
        if (request["Range"] is not { } range)
            return new HubAnswer(200, content, cutAfter, headers);
        var from = int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture);
        return from >= content.Length
            ? new HubAnswer(416, [], null, [("Content-Range", $"bytes */{content.Length}")])
            : new HubAnswer(206, content[from..], cutAfter, [("Content-Range", $"bytes {from}-{content.Length - 1}/{content.Length}"), .. headers]);
    }

    public void Dispose() => listener.Dispose();

    // git hash-object
    private static string GitHash(byte[] content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private HubAnswer Default(HubRequest request)
    {
        if (request.Path == $"/api/models/{Owner}/{Name}/revision/{Uri.EscapeDataString(Revision)}" || request.Path == $"/api/models/{Owner}/{Name}/revision/{Sha}")
            return new HubAnswer(200, JsonSerializer.SerializeToUtf8Bytes(new { sha = Sha, siblings = Files.Keys.Select(file => new { rfilename = file }) }));
        if (Files.Keys.FirstOrDefault(file => request.Path == Resolve(file, Sha)) is not { } name)
            return new HubAnswer(404, []);
        var content = Files[name];
        var large = name.EndsWith(".safetensors", StringComparison.Ordinal);
        (string, string)[] about = [("X-Repo-Commit", Sha), ("ETag", $"\"{ETag(name, content)}\""), ("X-Linked-Etag", $"\"{ETag(name, content)}\""), ("X-Linked-Size", $"{content.Length}")];
        return large && ContentServer is { } server
            ? new HubAnswer(302, [], null, [.. about, ("Location", $"{server}cdn/{ETag(name, content)}?signature=secret")])
            : Content(request, content, null, about);
    }

    private void Listen()
    {
        try
        {
            while (true)
            {
                var client = listener.AcceptTcpClient();
                new Thread(() => Serve(client)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private void Serve(TcpClient client)
    {
        using (client)
        {
            try
            {
                using var stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, false, 4096, leaveOpen: true);
                var line = (reader.ReadLine() ?? "").Split(' ');
                if (line.Length < 3)
                    return;
                var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
                while (reader.ReadLine() is { Length: > 0 } header)
                    headers[header.Split(':')[0]] = header[(header.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
                var request = new HubRequest(line[0], line[1], headers);
                requests.Enqueue(request);
                var answer = Instead(request) ?? Default(request);
                var head = new StringBuilder($"HTTP/1.1 {answer.Status} {(HttpStatusCode)answer.Status}\r\nConnection: close\r\n{(answer.WithoutLength ? "" : $"Content-Length: {answer.Body.Length}\r\n")}");
                foreach (var (name, value) in answer.Headers)
                    head.Append($"{name}: {value}\r\n");
                stream.Write(Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()));
                if (request.Method != "HEAD")
                    stream.Write(answer.Body, 0, answer.CutAfter ?? answer.Body.Length);
                stream.Flush();
            }
            catch (IOException)
            {
                // The client has gone.
            }
        }
    }
}
