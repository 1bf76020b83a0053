namespace Understudy.Hub;

/// <summary>How the Hub is reached and where downloads are kept: the environment variables of <c>huggingface_hub</c>.</summary>
public sealed class HubSettings
{
    private const long LongestToken = 4096;

    /// <summary>The server. The token is sent to it and to no other.</summary>
    /// <value>The default value is https://huggingface.co.</value>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>The folder with <c>models--OWNER--NAME</c> folders.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>Says who asks, for private and gated repositories.</summary>
    /// <value>The default value is null: nobody in particular.</value>
    public string? Token { get; init; }

    /// <summary>Where the token came from, for messages.</summary>
    internal string TokenSource { get; init; } = "the token";

    /// <summary>Whether nothing may be asked of the network.</summary>
    public bool Offline { get; init; }

    /// <summary>
    /// Reads <c>HF_ENDPOINT</c>, <c>HF_HUB_CACHE</c>, <c>HF_HOME</c>, <c>XDG_CACHE_HOME</c>, <c>HF_TOKEN</c>, <c>HF_TOKEN_PATH</c> and
    /// <c>HF_HUB_OFFLINE</c>, and the token file.
    /// </summary>
    /// <param name="environment">The value of a variable, null when it is not set; by default that of this process.</param>
    /// <exception cref="HubException">A variable or the token file holds something that cannot be used.</exception>
    public static HubSettings FromEnvironment(Func<string, string?>? environment = null)
    {
        environment ??= Environment.GetEnvironmentVariable;
        var home = Value("HF_HOME") is { } named ? Expanded(named) : Path.Combine(Value("XDG_CACHE_HOME") is { } cache ? Expanded(cache) : Expanded("~/.cache"), "huggingface");
        var (token, source) = TokenOf(Value("HF_TOKEN") ?? Value("HUGGING_FACE_HUB_TOKEN"), Value("HF_TOKEN_PATH") is { } path ? Expanded(path) : Path.Combine(home, "token"));
        return new HubSettings
        {
            Endpoint = EndpointOf(Value("HF_ENDPOINT") ?? "https://huggingface.co"),
            CacheFolder = Path.GetFullPath((Value("HF_HUB_CACHE") ?? Value("HUGGINGFACE_HUB_CACHE")) is { } folder ? Expanded(folder) : Path.Combine(home, "hub")),
            Token = token,
            TokenSource = source,
            Offline = (Value("HF_HUB_OFFLINE") ?? Value("TRANSFORMERS_OFFLINE"))?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE",
        };

        string? Value(string name) => environment(name) is { } value && value.Trim() is { Length: > 0 } trimmed ? trimmed : null;

        string Expanded(string path) =>
            path == "~" || path.StartsWith("~/", StringComparison.Ordinal)
                ? Path.Join(environment("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), path[1..])
                : path;
    }

    private static Uri EndpointOf(string text)
    {
        if (!Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http") || uri.Query.Length > 0 || uri.Fragment.Length > 0)
            throw new HubException("HF_ENDPOINT: expected the address of a server, for example https://huggingface.co, found something else. Set it to one, or remove it.");
        return uri.UserInfo.Length == 0
            ? uri
            : throw new HubException("HF_ENDPOINT: expected an address without a user's name and password, found one with them. Remove them; HF_TOKEN says who asks.");
    }

    private static (string? Token, string Source) TokenOf(string? named, string file)
    {
        if (named is not null)
            return (Checked(named, "HF_TOKEN"), "HF_TOKEN");
        try
        {
            if (!File.Exists(file))
                return (null, "");
            if (new FileInfo(file).Length > LongestToken)
                throw new HubException($"{file}: expected a token, found a file of more than {LongestToken} bytes. Write the token alone into it, or remove it.");
            return File.ReadAllText(file).Trim() is { Length: > 0 } token ? (Checked(token, file), file) : (null, "");
        }
        catch (UnauthorizedAccessException)
        {
            throw new HubException($"{file}: there is no permission to read the token in it. Make it readable for this user, or set HF_TOKEN.");
        }
    }

    // A line break would end the header and begin another one.
    private static string Checked(string token, string source) =>
        token.All(c => c is > ' ' and <= '~')
            ? token
            : throw new HubException($"{source}: expected a token of visible ASCII characters, found others in it. Copy the token again.");
}
