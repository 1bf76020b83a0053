using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Understudy.Tests.Recipes;

/// <summary>Headless Chromium with one page, spoken to over its DevTools protocol.</summary>
internal sealed class HeadlessBrowser : IDisposable
{
    private readonly Process process;
    private readonly ClientWebSocket socket = new();
    private readonly CancellationTokenSource limit = new(TimeSpan.FromMinutes(5));
    private int calls;

    private HeadlessBrowser(Process process) => this.process = process;

    /// <summary>What the browser told of its own accord: console messages, requests, exceptions.</summary>
    public List<JsonElement> Events { get; } = [];

    public static async Task<HeadlessBrowser> Start(string profile)
    {
        var start = new ProcessStartInfo(ChromiumFactAttribute.Program!, ["--headless", "--hide-scrollbars", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-port=0", $"--user-data-dir={profile}", "about:blank"]) { RedirectStandardError = true, RedirectStandardOutput = true };
        var browser = new HeadlessBrowser(Process.Start(start)!);
        const string Announcement = "DevTools listening on ";
        string? line;
        while ((line = await browser.process.StandardError.ReadLineAsync(browser.limit.Token)) is not null && !line.StartsWith(Announcement, StringComparison.Ordinal))
        {
        }

        Assert.NotNull(line);
        // Whoever stops reading a pipe stops the writer, too.
        _ = browser.process.StandardError.ReadToEndAsync(browser.limit.Token);
        using var http = new HttpClient();
        var targets = await http.GetFromJsonAsync<JsonElement[]>($"http://127.0.0.1:{new Uri(line[Announcement.Length..]).Port}/json/list", browser.limit.Token);
        var page = targets!.First(target => target.GetProperty("type").GetString() == "page");
        await browser.socket.ConnectAsync(new Uri(page.GetProperty("webSocketDebuggerUrl").GetString()!), browser.limit.Token);
        foreach (var domain in new[] { "Page", "Runtime", "Log", "Network" })
        {
            await browser.Call($"{domain}.enable", []);
        }

        return browser;
    }

    /// <summary>Calls a method and gives its result.</summary>
    public async Task<JsonElement> Call(string method, JsonObject parameters)
    {
        var id = ++calls;
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters }), WebSocketMessageType.Text, true, limit.Token);
        while (true)
        {
            var message = await Receive();
            if (!message.TryGetProperty("id", out var answered))
            {
                Events.Add(message);
            }
            else if (answered.GetInt32() == id)
            {
                Assert.False(message.TryGetProperty("error", out var error), error.ToString());
                return message.GetProperty("result");
            }
        }
    }

    /// <summary>Opens a file and waits until it is loaded.</summary>
    public async Task Open(string path)
    {
        Events.Clear();
        await Call("Page.navigate", new() { ["url"] = new Uri(path).AbsoluteUri });
        while (!Events.Any(one => one.GetProperty("method").GetString() == "Page.loadEventFired"))
        {
            Events.Add(await Receive());
        }
    }

    /// <summary>The value of an expression in the page.</summary>
    public async Task<JsonElement> Evaluate(string expression)
    {
        var answer = await Call("Runtime.evaluate", new() { ["expression"] = expression, ["returnByValue"] = true });
        Assert.False(answer.TryGetProperty("exceptionDetails", out var exception), exception.ToString());
        return answer.GetProperty("result").TryGetProperty("value", out var value) ? value : default;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        socket.Dispose();
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
        limit.Dispose();
    }

    private async Task<JsonElement> Receive()
    {
        using var message = new MemoryStream();
        var block = new byte[1 << 16];
        WebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(block, limit.Token);
            message.Write(block, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonSerializer.Deserialize<JsonElement>(message.ToArray());
    }
}
