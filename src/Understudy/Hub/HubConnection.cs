using System.Net;
using System.Net.Http.Headers;

namespace Understudy.Hub;

/// <summary>Requests to the Hub: who asks, redirects, what a status means, and trying again.</summary>
internal sealed class HubConnection : IDisposable
{
    private const int MostRedirects = 10, MostAttempts = 5, MostUnconnected = 3;

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    private readonly HubSettings settings;
    private readonly Action<TimeSpan, CancellationToken> wait;
    private readonly TimeSpan patience;
    private readonly HttpClient client;

    /// <param name="settings">Where the Hub is and who asks.</param>
    /// <param name="wait">Waits before another attempt.</param>
    /// <param name="patience">How long a server may say nothing; a third of it to answer the call at all.</param>
    public HubConnection(HubSettings settings, Action<TimeSpan, CancellationToken> wait, TimeSpan patience)
    {
        this.patience = patience;
        this.settings = settings;
        this.wait = wait;
        // Redirects are followed here, since the token must not follow them to another server.
        client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = patience / 3 }) { Timeout = Timeout.InfiniteTimeSpan };
        var version = typeof(HubConnection).Assembly.GetName().Version?.ToString(3) ?? "0";
        client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("understudy", version));
    }

    /// <summary>The address of something at the Hub; the steps are escaped.</summary>
    public Uri Address(params ReadOnlySpan<string> steps)
    {
        var address = new System.Text.StringBuilder(settings.Endpoint.AbsoluteUri.TrimEnd('/'));
        foreach (var step in steps)
            address.Append('/').Append(Uri.EscapeDataString(step));
        return new Uri(address.ToString());
    }

    /// <summary>Does something until it works, with growing pauses or those that the server asks for.</summary>
    public T Repeat<T>(HubName name, IHubProgress progress, Func<T> attempt, CancellationToken cancel)
    {
        for (var failures = 0; ;)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                return attempt();
            }
            catch (TransientHubException e)
            {
                failures = e.Progressed ? 1 : failures + 1;
                if (failures >= (e.Unconnected ? MostUnconnected : MostAttempts))
                    throw new HubException($"{name}: {e.Message} It was tried {failures} times. Try again later; what has arrived is kept, and HF_HUB_OFFLINE=1 takes what was downloaded before.", e) { Unreachable = true };
                var pause = e.RetryAfter ?? TimeSpan.FromSeconds(1 << (failures - 1));
                if (pause > LongestPause)
                    throw new HubException($"{name}: {e.Message} The server asks to wait {pause.TotalMinutes:0} minutes. Run the same command again then; a token in HF_TOKEN has higher limits.", e) { Unreachable = true };
                progress.Note($"{name}: {e.Message} Trying again in {pause.TotalSeconds:0.#} s.");
                wait(pause, cancel);
            }
        }
    }

    /// <summary>Sends one request, follows its redirects, and returns when the headers of the answer are there.</summary>
    /// <param name="method">GET or HEAD.</param>
    /// <param name="uri">The address.</param>
    /// <param name="from">The first byte that is wanted.</param>
    /// <param name="away">Whether a redirect to another server is followed; otherwise it is the answer.</param>
    /// <param name="redirected">Sees every answer that was a redirect and was followed.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="TransientHubException">It may work another time.</exception>
    public HttpResponseMessage Send(HttpMethod method, Uri uri, long from, bool away, Action<HttpResponseMessage>? redirected, CancellationToken cancel)
    {
        for (var hop = 0; hop <= MostRedirects; hop++)
        {
            var response = SendOnce(method, uri, from, cancel);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
                return response;
            var next = new Uri(uri, location);
            var same = SameServer(uri, next);
            if (!same && !away)
                return response;
            redirected?.Invoke(response);
            response.Dispose();
            if (next.Scheme is not ("http" or "https") || (uri.Scheme == "https" && next.Scheme != "https"))
                throw new HubException($"{uri.Host} redirects to an address that is not safe ({Data.ShownText.Of(next.Scheme, 10)}). Check HF_ENDPOINT.");
            uri = next;
        }
        throw new HubException($"{uri.Host} redirects in circles: more than {MostRedirects} redirects. Check HF_ENDPOINT.");
    }

    /// <summary>Reads the next bytes of an answer.</summary>
    /// <returns>How many; 0 at its end.</returns>
    /// <exception cref="TransientHubException">The connection is gone or silent.</exception>
    public int Read(Stream stream, Memory<byte> buffer, CancellationTokenSource silence, CancellationToken cancel)
    {
        try
        {
            silence.CancelAfter(patience);
            return stream.ReadAsync(buffer, silence.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new TransientHubException("The connection was lost in the middle of a file.");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new TransientHubException($"Nothing arrived for {patience.TotalSeconds:0} s.");
        }
    }

    /// <summary>Throws what an answer that is no success means.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="name">What was asked for.</param>
    /// <param name="file">The file of it; null when the repository itself was asked for.</param>
    public void Check(HttpResponseMessage response, HubName name, string? file)
    {
        var status = (int)response.StatusCode;
        if (status is >= 200 and < 300)
            return;
        if (status is 408 or 429 or >= 500)
            throw new TransientHubException(status == 429 ? $"The Hub ({settings.Endpoint.Host}) answers 429: too many requests." : $"The Hub ({settings.Endpoint.Host}) answers {status}.", RetryAfter(response));
        throw Refusal(response.StatusCode, response.Headers.TryGetValues("X-Error-Code", out var codes) ? codes.First() : "", name, file);
    }

    public void Dispose() => client.Dispose();

    // Texts of the server are left out: it has seen the token, and may have put it in there.
    private HubException Refusal(HttpStatusCode status, string code, HubName name, string? file)
    {
        var (host, page) = (settings.Endpoint.Host, Address(name.Owner, name.Repository));
        return new HubException((int)status switch
        {
            401 or 403 when code == "GatedRepo" || (settings.Token is not null && status == HttpStatusCode.Forbidden) =>
                $"{name}: the repository is gated or private ({(int)status}). Accept its licence at {page}, and set HF_TOKEN to a token of that account that may read it.",
            401 or 403 when settings.Token is null =>
                $"{name}: {host} refuses it ({(int)status}): the repository is private or gated, or there is none of that name. If the name is right, accept its licence at {page} where it asks for that, and set HF_TOKEN to a token that may read it.",
            401 or 403 =>
                $"{name}: {host} refuses it ({(int)status}) to the token of {settings.TokenSource}: the token is not valid or may not read this repository, or there is none of that name. Set HF_TOKEN to one that may.",
            404 when code == "RevisionNotFound" =>
                $"{name}: the repository has no revision '{name.Revision}' (404). Name a branch, a tag or a commit after '@'.",
            404 when file is not null =>
                $"{name}: {host} lists {file} and does not have it (404). Run the same command again.",
            404 =>
                $"{name}: {host} has no repository '{name.Id}' with a revision '{name.Revision}' (404). Check the name. Did you mean a local folder?",
            _ => $"{name}: {host} answers {(int)status} ({status}). Check HF_ENDPOINT.",
        });
    }

    // On a busy machine the patience may have run out as well by the time that the handler says that no connection came.
    private static bool IsConnectTimeout(Exception? e) => e is not null && (e is TimeoutException || IsConnectTimeout(e.InnerException));

    private HttpResponseMessage SendOnce(HttpMethod method, Uri uri, long from, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, uri);
        if (settings.Token is { } token && SameServer(uri, settings.Endpoint))
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        // The etag and the length are those of the bytes as they are stored.
        request.Headers.AcceptEncoding.ParseAdd("identity");
        if (from > 0)
            request.Headers.Range = new RangeHeaderValue(from, null);
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        silence.CancelAfter(patience);
        try
        {
            return client.Send(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.SecureConnectionError)
        {
            throw new HubException($"{uri.Host}: no secure connection came about ({e.InnerException?.Message ?? e.Message}). Check the clock of this machine and its certificates.", e);
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.ProxyTunnelError)
        {
            throw new TransientHubException($"{uri.Host} cannot be reached ({e.InnerException?.Message ?? e.Message}).") { Unconnected = true };
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new TransientHubException($"{uri.Host} closed the connection without an answer.");
        }
        catch (OperationCanceledException e) when (!silence.IsCancellationRequested || (!cancel.IsCancellationRequested && IsConnectTimeout(e)))
        {
            throw new TransientHubException($"{uri.Host} cannot be reached (no connection within {patience.TotalSeconds / 3:0.#} s).") { Unconnected = true };
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new TransientHubException($"{uri.Host} gave no answer for {patience.TotalSeconds:0} s.");
        }
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        var asked = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - DateTimeOffset.UtcNow,
            _ => (TimeSpan?)null,
        };
        return asked is { } pause && pause < TimeSpan.Zero ? TimeSpan.Zero : asked;
    }

    private static bool SameServer(Uri one, Uri other) =>
        one.Scheme == other.Scheme && one.Port == other.Port && string.Equals(one.IdnHost, other.IdnHost, StringComparison.OrdinalIgnoreCase);
}
