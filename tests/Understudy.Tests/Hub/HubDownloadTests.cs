using System.Text;

namespace Understudy.Tests.Hub;

/// <summary>Downloads that come to their end.</summary>
public sealed class HubDownloadTests : IDisposable
{
    private readonly HubFixture hub = new();

    public void Dispose() => hub.Dispose();

    [Fact]
    public void A_repository_is_laid_out_as_the_Python_library_does_it()
    {
        Assert.Equal(hub.Snapshot, hub.Download());
        string Link(string file) => $"models--owner--tiny-model/snapshots/{HubServer.Commit}/{file} -> ../../blobs/{HubServer.ETag(file, hub.Server.Files[file])}";
        var files = new[] { "config.json", "model.safetensors", "tokenizer.json" };
        Assert.Equal(
            [
                .. files.Select(file => $".locks/models--owner--tiny-model/{HubServer.ETag(file, hub.Server.Files[file])}.lock")
                    .Concat(files.Select(file => $"models--owner--tiny-model/blobs/{HubServer.ETag(file, hub.Server.Files[file])}"))
                    .Concat(files.Select(Link)).Append("models--owner--tiny-model/refs/main").Order(StringComparer.Ordinal),
            ],
            hub.Tree());
        Assert.Equal(HubServer.Commit, File.ReadAllText(Path.Combine(hub.Repository, "refs", "main")));
        Assert.All(files, file => Assert.Equal(hub.Server.Files[file], File.ReadAllBytes(Path.Combine(hub.Snapshot, file))));
        Assert.Equal([5000L], hub.Begun);
        Assert.Equal(5000, hub.Bytes);
        Assert.Equal([true], hub.Ended);
        Assert.All(hub.Server.Requests, request => Assert.Equal(("identity", null), (request["Accept-Encoding"], request["Authorization"])));
    }

    [Fact]
    public void What_is_in_the_cache_is_not_asked_for_again()
    {
        hub.Download();
        var before = hub.Server.Asked.Length;
        hub.Download();
        Assert.Equal(["GET /api/models/owner/tiny-model/revision/main"], hub.Server.Asked[before..]);
    }

    [Fact]
    public void A_cache_of_the_Python_library_is_used_as_it_is()
    {
        foreach (var (file, content) in hub.Server.Files)
        {
            Directory.CreateDirectory(Path.Combine(hub.Repository, "blobs"));
            Directory.CreateDirectory(hub.Snapshot);
            File.WriteAllBytes(hub.Blob(file), content);
            File.CreateSymbolicLink(Path.Combine(hub.Snapshot, file), $"../../blobs/{HubServer.ETag(file, content)}");
        }
        Directory.CreateDirectory(Path.Combine(hub.Repository, "refs"));
        File.WriteAllText(Path.Combine(hub.Repository, "refs", "main"), HubServer.Commit);
        Assert.Equal(hub.Snapshot, hub.Download());
        Assert.Equal(["GET /api/models/owner/tiny-model/revision/main"], hub.Server.Asked);
        hub.Offline = true;
        Assert.Equal(hub.Snapshot, hub.Download());
        Assert.Single(hub.Server.Asked);
    }

    [Fact]
    public void Another_revision_shares_the_blobs_it_has_in_common()
    {
        hub.Download();
        hub.Server.Sha = new string('a', 40);
        hub.Server.Files["config.json"] = "{\"model_type\": \"gpt_neox\", \"changed\": true}"u8.ToArray();
        var before = hub.Server.Asked.Length;
        var snapshot = hub.Download();
        Assert.EndsWith(hub.Server.Sha, snapshot, StringComparison.Ordinal);
        Assert.Equal(["config.json"], hub.Server.Requests.Skip(before).Where(request => request.Method == "GET" && request.Path.Contains("/resolve/", StringComparison.Ordinal)).Select(request => request.Path.Split('/')[^1]));
        Assert.Equal(hub.Server.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")));
        Assert.Equal(hub.Server.Sha, File.ReadAllText(Path.Combine(hub.Repository, "refs", "main")));
        Assert.True(Directory.Exists(hub.Snapshot));
    }

    [Theory]
    [InlineData("refs/pr/3", "refs/refs/pr/3")]
    [InlineData("v1.0", "refs/v1.0")]
    [InlineData(HubServer.Commit, null)]
    public void A_revision_is_a_branch_a_tag_or_a_commit(string revision, string? reference)
    {
        using var other = new HubFixture { Server = new HubServer { Revision = revision } };
        Assert.Equal(other.Snapshot, other.Download($"hf://owner/tiny-model@{revision}"));
        var references = Path.Combine(other.Repository, "refs");
        Assert.Equal(reference is null ? [] : [Path.Combine(other.Repository, reference)], Directory.Exists(references) ? Directory.EnumerateFiles(references, "*", SearchOption.AllDirectories) : []);
        Assert.Equal($"/api/models/owner/tiny-model/revision/{Uri.EscapeDataString(revision)}", other.Server.Requests[0].Path);
    }

    [Fact]
    public void Shards_are_those_that_the_index_names()
    {
        hub.Server.Files.Remove("model.safetensors");
        hub.Server.Files["model.safetensors.index.json"] = "{\"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\", \"b\": \"model-00002-of-00002.safetensors\", \"c\": \"model-00001-of-00002.safetensors\"}}"u8.ToArray();
        foreach (var file in new[] { "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.fp16.safetensors", "model.fp16.safetensors.index.json", "consolidated.safetensors" })
            hub.Server.Files[file] = Encoding.UTF8.GetBytes(file);
        hub.Download();
        Assert.Equal(
            ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json", "tokenizer.json"],
            Directory.EnumerateFiles(hub.Snapshot).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal([64L], hub.Begun);

        hub.Offline = true;
        File.Delete(Path.Combine(hub.Snapshot, "model-00002-of-00002.safetensors"));
        Assert.Equal($"hf://owner/tiny-model: HF_HUB_OFFLINE is set, and the cache '{hub.Cache}' lacks model-00002-of-00002.safetensors of its commit {HubServer.Commit}. Unset HF_HUB_OFFLINE to download it, or name a local folder.", hub.Fault());
    }

    [Fact]
    public void A_single_file_goes_before_shards()
    {
        hub.Server.Files["model.safetensors.index.json"] = "{\"weight_map\": {\"a\": \"model-00001-of-00001.safetensors\"}}"u8.ToArray();
        hub.Server.Files["model-00001-of-00001.safetensors"] = [1];
        hub.Server.Files["adapter_config.json"] = "{}"u8.ToArray();
        hub.Server.Files["adapter_model.safetensors"] = [2, 3];
        hub.Download();
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "config.json", "model.safetensors", "tokenizer.json"], Directory.EnumerateFiles(hub.Snapshot).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Where_there_are_no_links_files_are_moved_and_copied()
    {
        using var other = new HubFixture { Links = false };
        other.Download();
        Assert.All(["config.json", "model.safetensors"], file => Assert.Equal((null, other.Server.Files[file].Length), (new FileInfo(Path.Combine(other.Snapshot, file)).LinkTarget, (int)new FileInfo(Path.Combine(other.Snapshot, file)).Length)));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(other.Repository, "blobs")));

        other.Server.Sha = new string('b', 40);
        File.WriteAllBytes(other.Blob("model.safetensors"), other.Server.Files["model.safetensors"]);
        var snapshot = other.Download();
        Assert.Equal(other.Server.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")));
        Assert.True(File.Exists(other.Blob("model.safetensors")));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public void The_token_goes_to_the_endpoint_and_to_no_other_server(string host)
    {
        using var content = new HubServer(host);
        using var other = new HubFixture { Token = "hf_secret" };
        other.Server.ContentServer = content.Address;
        content.Instead = request => HubServer.Content(request, other.Server.Files["model.safetensors"], null, ("ETag", "\"another-etag\""));
        other.Download();
        Assert.Equal(other.Server.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(other.Snapshot, "model.safetensors")));
        Assert.All(other.Server.Requests, request => Assert.Equal("Bearer hf_secret", request["Authorization"]));
        var asked = Assert.Single(content.Requests);
        Assert.Equal(("GET", null), (asked.Method, asked["Authorization"]));
        Assert.DoesNotContain(asked.Headers.Values, value => value.Contains("hf_secret", StringComparison.Ordinal));
        Assert.DoesNotContain(other.Notes, note => note.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public void A_repository_that_has_another_name_now_is_followed()
    {
        hub.Server.Instead = request => request.Path.StartsWith("/api/models/old/", StringComparison.Ordinal) || request.Path.StartsWith("/old/", StringComparison.Ordinal)
            ? new HubAnswer(307, [], null, ("Location", request.Path.Replace("/old/", "/owner/", StringComparison.Ordinal)))
            : null;
        var snapshot = hub.Download("old/tiny-model");
        Assert.Equal(Path.Combine(hub.Cache, "models--old--tiny-model", "snapshots", HubServer.Commit), snapshot);
        Assert.Equal(hub.Server.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")));
    }

    [Fact]
    public async Task Two_at_once_do_not_disturb_each_other()
    {
        var inside = 0;
        var most = 0;
        hub.Server.Instead = request =>
        {
            if (request.Method == "GET" && request.Path == HubServer.Resolve("model.safetensors"))
            {
                most = Math.Max(most, Interlocked.Increment(ref inside));
                Thread.Sleep(300);
                Interlocked.Decrement(ref inside);
            }
            return null;
        };
        var snapshots = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Factory.StartNew(() => hub.Download(), TaskCreationOptions.LongRunning)));
        Assert.All(snapshots, snapshot => Assert.Equal(hub.Snapshot, snapshot));
        Assert.Equal(hub.Server.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(hub.Snapshot, "model.safetensors")));
        Assert.Equal(["all"], hub.Ranges("model.safetensors"));
        Assert.Equal(1, most);
        Assert.Contains("hf://owner/tiny-model: another process downloads model.safetensors; waiting for it.", hub.Notes);
        Assert.DoesNotContain(hub.Tree(), file => file.EndsWith(".incomplete", StringComparison.Ordinal) || file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(405)]
    [InlineData(501)]
    public void A_server_that_knows_no_HEAD_is_asked_with_GET(int status)
    {
        hub.Server.Instead = request => request.Method == "HEAD" ? new HubAnswer(status, []) : null;
        hub.Download();
        Assert.Equal(hub.Server.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(hub.Snapshot, "model.safetensors")));
        Assert.Equal(["all", "all"], hub.Ranges("model.safetensors"));
        Assert.Empty(hub.Notes);
    }

    [Fact]
    public void Bytes_that_are_no_hash_are_taken_by_their_length()
    {
        hub.Server.Instead = request => request.Method == "HEAD" && request.Path == HubServer.Resolve("model.safetensors")
            ? new HubAnswer(200, hub.Server.Files["model.safetensors"], null, ("ETag", "W/\"5f-1a2b\""))
            : null;
        hub.Download();
        Assert.Equal("../../blobs/5f-1a2b", new FileInfo(Path.Combine(hub.Snapshot, "model.safetensors")).LinkTarget);
    }
}
