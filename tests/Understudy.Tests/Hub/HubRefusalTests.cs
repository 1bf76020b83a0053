using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Understudy.Hub;

namespace Understudy.Tests.Hub;

/// <summary>What the Hub refuses, what is refused of it, and what may pass.</summary>
public sealed class HubRefusalTests : IDisposable
{
    private const string Token = "hf_verysecrettoken";

    private readonly HubFixture hub = new();

    public void Dispose() => hub.Dispose();

    [Theory]
    [InlineData(401, "", null, "hf://owner/tiny-model: 127.0.0.1 refuses it (401): the repository is private or gated, or there is none of that name. If the name is right, accept its licence at http://hub/owner/tiny-model where it asks for that, and set HF_TOKEN to a token that may read it.")]
    [InlineData(401, "", Token, "hf://owner/tiny-model: 127.0.0.1 refuses it (401) to the token of HF_TOKEN: the token is not valid or may not read this repository, or there is none of that name. Set HF_TOKEN to one that may.")]
    [InlineData(403, "GatedRepo", Token, "hf://owner/tiny-model: the repository is gated or private (403). Accept its licence at http://hub/owner/tiny-model, and set HF_TOKEN to a token of that account that may read it.")]
    [InlineData(404, "RepoNotFound", null, "hf://owner/tiny-model: 127.0.0.1 has no repository 'owner/tiny-model' with a revision 'main' (404). Check the name. Did you mean a local folder?")]
    [InlineData(404, "RevisionNotFound", null, "hf://owner/tiny-model: the repository has no revision 'main' (404). Name a branch, a tag or a commit after '@'.")]
    [InlineData(418, "", Token, "hf://owner/tiny-model: 127.0.0.1 answers 418 (418). Check HF_ENDPOINT.")]
    public void A_refusal_is_explained_and_not_repeated(int status, string code, string? token, string expected)
    {
        using var other = new HubFixture { Token = token };
        // A server that repeats what it was sent must not get the token into a message.
        other.Server.Instead = request => new HubAnswer(status, Encoding.UTF8.GetBytes(request["Authorization"] ?? ""), null, ("X-Error-Code", code), ("X-Error-Message", request["Authorization"] ?? ""));
        var fault = Assert.Throws<HubException>(() => other.Download());
        Assert.Equal(expected, fault.Message.Replace(other.Server.Address.ToString(), "http://hub/", StringComparison.Ordinal));
        Assert.DoesNotContain(Token, fault.ToString(), StringComparison.Ordinal);
        Assert.Single(other.Server.Requests);
        Assert.Empty(other.Pauses);
    }

    [Fact]
    public void A_gated_repository_is_found_out_before_anything_is_done()
    {
        hub.Server.Instead = request => request.Path.Contains("/resolve/", StringComparison.Ordinal) ? new HubAnswer(403, [], null, ("X-Error-Code", "GatedRepo")) : null;
        using var client = hub.Client();
        var fault = Assert.Throws<HubException>(() => client.Find(HubFixture.Named(), hub, default));
        Assert.StartsWith("hf://owner/tiny-model: the repository is gated or private (403). Accept its licence at ", fault.Message, StringComparison.Ordinal);
        Assert.Equal(["GET /api/models/owner/tiny-model/revision/main", $"HEAD {HubServer.Resolve("config.json")}"], hub.Server.Asked);
    }

    [Fact]
    public void A_busy_server_is_asked_again_when_it_says()
    {
        var busy = new Queue<HubAnswer>([new(429, [], null, ("Retry-After", "7")), new(500, []), new(503, [], null, ("Retry-After", "3")), new(408, [], null, ("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"))]);
        hub.Server.Instead = _ => busy.TryDequeue(out var answer) ? answer : null;
        hub.Download();
        Assert.Equal([7.0, 2, 3, 0], hub.Pauses);
        Assert.Equal(
            [
                "hf://owner/tiny-model: The Hub (127.0.0.1) answers 429: too many requests. Trying again in 7 s.",
                "hf://owner/tiny-model: The Hub (127.0.0.1) answers 500. Trying again in 2 s.",
                "hf://owner/tiny-model: The Hub (127.0.0.1) answers 503. Trying again in 3 s.",
                "hf://owner/tiny-model: The Hub (127.0.0.1) answers 408. Trying again in 0 s.",
            ],
            hub.Notes);
    }

    [Fact]
    public void Nobody_waits_for_hours()
    {
        hub.Server.Instead = _ => new HubAnswer(429, [], null, ("Retry-After", "7200"));
        Assert.Equal("hf://owner/tiny-model: The Hub (127.0.0.1) answers 429: too many requests. The server asks to wait 120 minutes. Run the same command again then; a token in HF_TOKEN has higher limits.", hub.Fault());
        Assert.Empty(hub.Pauses);
    }

    [Fact]
    public void A_server_that_stays_broken_is_given_up()
    {
        hub.Server.Instead = _ => new HubAnswer(502, []);
        Assert.Equal("hf://owner/tiny-model: The Hub (127.0.0.1) answers 502. It was tried 5 times. Try again later; what has arrived is kept, and HF_HUB_OFFLINE=1 takes what was downloaded before.", hub.Fault());
        Assert.Equal([1.0, 2, 4, 8], hub.Pauses);
    }

    [Fact]
    public void Without_a_network_the_cache_stands_in_for_the_Hub()
    {
        hub.Download();
        hub.Server.Dispose();
        using (var client = hub.Client())
        {
            var model = client.Find(HubFixture.Named(), hub, default);
            Assert.Equal(new HubModel("owner/tiny-model", "main", HubServer.Commit), model);
            Assert.Equal(hub.Snapshot, client.Fetch(model, hub, default));
        }
        Assert.Matches(@"^hf://owner/tiny-model: 127\.0\.0\.1 cannot be reached \(.+\)\. It is taken from the cache: commit 0123456789abcdef0123456789abcdef01234567\.$", hub.Notes[^1]);
        Assert.StartsWith("hf://owner/other: 127.0.0.1 cannot be reached (", hub.Fault("owner/other"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_takes_no_connection_is_not_asked_for_long()
    {
        // Two callers fill the queue of a listener that never answers; the next one hears nothing.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(1);
        using var first = new TcpClient();
        using var second = new TcpClient();
        first.Connect((IPEndPoint)listener.LocalEndpoint);
        second.Connect((IPEndPoint)listener.LocalEndpoint);
        using var client = new HubClient(new HubSettings { Endpoint = new Uri($"http://{listener.LocalEndpoint}"), CacheFolder = hub.Cache }, (pause, _) => hub.Pauses.Add(pause.TotalSeconds), _ => long.MaxValue, TimeSpan.FromSeconds(0.9), links: true);
        var fault = Assert.Throws<HubException>(() => client.Find(HubFixture.Named(), hub, default));
        Assert.Equal("hf://owner/tiny-model: 127.0.0.1 cannot be reached (no connection within 0.3 s). It was tried 3 times. Try again later; what has arrived is kept, and HF_HUB_OFFLINE=1 takes what was downloaded before.", fault.Message);
        Assert.Equal([1.0, 2], hub.Pauses);
    }

    [Fact]
    public void Offline_nothing_is_asked()
    {
        hub.Offline = true;
        Assert.Equal($"hf://owner/tiny-model: HF_HUB_OFFLINE is set, and the cache '{hub.Cache}' has no revision 'main' of it. Unset HF_HUB_OFFLINE to download it, or name a local folder.", hub.Fault());
        hub.Offline = false;
        hub.Download();
        var asked = hub.Server.Asked.Length;
        hub.Offline = true;
        Assert.Equal(hub.Snapshot, hub.Download());
        Assert.Equal(hub.Snapshot, hub.Download($"owner/tiny-model@{HubServer.Commit}"));
        Assert.Equal(asked, hub.Server.Asked.Length);
        File.Delete(hub.Blob("model.safetensors"));
        Assert.Equal($"hf://owner/tiny-model: HF_HUB_OFFLINE is set, and the cache '{hub.Cache}' lacks model.safetensors of its commit {HubServer.Commit}. Unset HF_HUB_OFFLINE to download it, or name a local folder.", hub.Fault());
        File.WriteAllText(Path.Combine(hub.Repository, "refs", "main"), "../../elsewhere");
        Assert.Contains("has no revision 'main' of it", hub.Fault(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("/etc/model.safetensors")]
    [InlineData("..\\model.safetensors")]
    [InlineData("folder/../../model.safetensors")]
    [InlineData("C:\\model.safetensors")]
    [InlineData("model.safetensors\0.txt")]
    public void File_names_that_lead_elsewhere_are_never_taken(string hostile)
    {
        hub.Server.Files.Remove("pytorch_model.bin");
        hub.Server.Files.Remove("model.safetensors");
        hub.Server.Files[hostile] = [1];
        Assert.Equal("hf://owner/tiny-model: expected model.safetensors, found no weights among its 4 files.", hub.Fault());

        hub.Server.Files["model.safetensors.index.json"] = JsonSerializer.SerializeToUtf8Bytes(new { weight_map = new Dictionary<string, string> { ["a"] = hostile } });
        Assert.StartsWith("hf://owner/tiny-model: model.safetensors.index.json names '", hub.Fault(), StringComparison.Ordinal);
        Assert.EndsWith(", expected the plain name of a .safetensors file. The repository is damaged, or somebody's trap.", hub.Fault(), StringComparison.Ordinal);
        Assert.Equal(["config.json", "model.safetensors.index.json", "tokenizer.json"], Directory.EnumerateFileSystemEntries(hub.Snapshot).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(hub.Server.Requests, request => request.Path.Contains("..", StringComparison.Ordinal));
    }

    [Fact]
    public void An_index_that_names_what_is_not_there_is_refused()
    {
        hub.Server.Files.Remove("model.safetensors");
        hub.Server.Files["model.safetensors.index.json"] = "{\"weight_map\": {\"a\": \"model-1.safetensors\"}}"u8.ToArray();
        Assert.Equal("hf://owner/tiny-model: model.safetensors.index.json names 'model-1.safetensors', which the repository does not have. Its upload is not complete; name another revision after '@'.", hub.Fault());
        hub.Server.Files["model.safetensors.index.json"] = "[]"u8.ToArray();
        hub.Server.Sha = new string('c', 40);
        Assert.Equal("hf://owner/tiny-model: model.safetensors.index.json is not the index of sharded weights: expected 'weight_map' with a file for every tensor.", hub.Fault());
    }

    [Fact]
    public void Pickled_weights_are_refused_with_the_cure()
    {
        hub.Server.Files.Remove("model.safetensors");
        hub.Server.Files["onnx/model.bin"] = [1];
        Assert.Equal(
            "hf://owner/tiny-model: expected model.safetensors, found only pickled weights (pytorch_model.bin), and reading a pickle runs the code in it. Many such repositories have a converted copy: look for 'Adding safetensors' under Community on its page, and name its number, hf://owner/tiny-model@refs/pr/NUMBER. "
            + "If you trust the repository, convert it once with Python: from transformers import AutoModel; AutoModel.from_pretrained('owner/tiny-model').save_pretrained('NEW_FOLDER', safe_serialization=True) (take the class that 'architectures' in config.json names), and name the new folder.",
            hub.Fault());
        hub.Server.Files["model.fp16.safetensors"] = [1];
        Assert.Equal("hf://owner/tiny-model: expected model.safetensors, found only model.fp16.safetensors, which transformers would not load either. Download the one that is meant, rename it to model.safetensors in a folder of its own, and name that folder.", hub.Fault());
        hub.Server.Files.Remove("config.json");
        Assert.Equal("hf://owner/tiny-model: expected a repository with config.json, found none among its 5 files. It holds no model that transformers would load.", hub.Fault());
    }

    [Theory]
    [InlineData("{\"sha\": \"../../..\", \"siblings\": []}", "hf://owner/tiny-model: expected a commit of 40 hexadecimal digits from 127.0.0.1, found '../../..'. Check HF_ENDPOINT.")]
    [InlineData("{\"siblings\": []}", "hf://owner/tiny-model: 127.0.0.1 answers something else than the Hub does: expected 'sha' and 'siblings'. Check HF_ENDPOINT.")]
    [InlineData("<html>", "hf://owner/tiny-model: 127.0.0.1 answers something else than the Hub does: expected 'sha' and 'siblings'. Check HF_ENDPOINT.")]
    [InlineData("{\"sha\": 3, \"siblings\": {}}", "hf://owner/tiny-model: 127.0.0.1 answers something else than the Hub does: expected 'sha' and 'siblings'. Check HF_ENDPOINT.")]
    public void A_server_that_is_no_Hub_is_named(string answer, string expected)
    {
        hub.Server.Instead = _ => new HubAnswer(200, Encoding.UTF8.GetBytes(answer));
        Assert.Equal(expected, hub.Fault());
    }

    [Theory]
    [InlineData("../../../evil")]
    [InlineData("")]
    [InlineData("a/b")]
    public void An_etag_that_cannot_name_a_file_is_refused(string etag)
    {
        hub.Server.Instead = request => request.Method == "HEAD" ? new HubAnswer(200, [1], null, ("ETag", $"\"{etag}\"")) : null;
        Assert.Equal("hf://owner/tiny-model: 127.0.0.1 does not say what config.json is (no ETag that can name a file). Check HF_ENDPOINT.", hub.Fault());
    }

    [Fact]
    public void Redirects_in_circles_and_to_other_schemes_are_refused()
    {
        hub.Server.Instead = request => new HubAnswer(302, [], null, ("Location", request.Path));
        Assert.Equal("127.0.0.1 redirects in circles: more than 10 redirects. Check HF_ENDPOINT.", hub.Fault());
        hub.Server.Instead = request => request.Method == "GET" && request.Path == HubServer.Resolve("config.json") ? new HubAnswer(302, [], null, ("Location", "file:///etc/passwd")) : null;
        Assert.Equal("127.0.0.1 redirects to an address that is not safe ('file'). Check HF_ENDPOINT.", hub.Fault());
    }

    [Fact]
    public void A_server_that_answers_for_another_commit_is_refused()
    {
        hub.Server.Instead = request => request.Method == "HEAD" ? new HubAnswer(200, [1], null, ("ETag", "\"abc\""), ("X-Repo-Commit", new string('f', 40))) : null;
        Assert.StartsWith($"hf://owner/tiny-model: asked for commit {HubServer.Commit}, 127.0.0.1 answers for '{new string('f', 40)}'.", hub.Fault(), StringComparison.Ordinal);
    }
}
