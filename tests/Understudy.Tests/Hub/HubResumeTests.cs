using System.Globalization;

namespace Understudy.Tests.Hub;

/// <summary>Downloads that are interrupted, and what is left of them.</summary>
public sealed class HubResumeTests : IDisposable
{
    private const string Weights = "model.safetensors";

    private readonly HubFixture hub = new();

    private string Partial => $"{hub.Blob(Weights)}.incomplete";

    private byte[] Bytes => hub.Server.Files[Weights];

    public void Dispose() => hub.Dispose();

    [Fact]
    public void A_connection_that_drops_is_taken_up_where_it_dropped()
    {
        var drops = new Queue<int>([1000, 0, 2500]);
        hub.Server.Instead = request => IsBody(request) && drops.TryDequeue(out var after) ? HubServer.Content(request, Bytes, after) : null;
        hub.Download();
        Assert.Equal(["all", "bytes=1000-", "bytes=1000-", "bytes=3500-"], hub.Ranges(Weights));
        Assert.Equal(Bytes, File.ReadAllBytes(Path.Combine(hub.Snapshot, Weights)));
        Assert.False(File.Exists(Partial));
        Assert.Equal([1.0, 2, 4], hub.Pauses);
        Assert.Equal(5000, hub.Bytes);
        Assert.Equal("hf://owner/tiny-model: The connection was lost in the middle of a file. Trying again in 1 s.", hub.Notes[0]);
    }

    [Fact]
    public void A_body_that_ends_early_without_having_said_its_length_is_continued()
    {
        hub.Server.Instead = request => IsBody(request) && request["Range"] is null ? HubServer.Content(request, Bytes, 1234) with { WithoutLength = true } : null;
        hub.Download();
        Assert.Equal(["all", "bytes=1234-"], hub.Ranges(Weights));
        Assert.Equal(Bytes, File.ReadAllBytes(Path.Combine(hub.Snapshot, Weights)));
        Assert.Equal(["hf://owner/tiny-model: The connection was closed after 1234 of 5000 bytes of model.safetensors. Trying again in 1 s."], hub.Notes);
    }

    [Fact]
    public void What_an_earlier_process_had_received_is_kept()
    {
        hub.Server.Instead = request => IsBody(request) ? HubServer.Content(request, Bytes, request["Range"] is null ? 1500 : 0) : null;
        Assert.Equal("hf://owner/tiny-model: The connection was lost in the middle of a file. It was tried 5 times. Try again later; what has arrived is kept, and HF_HUB_OFFLINE=1 takes what was downloaded before.", hub.Fault());
        Assert.Equal(Bytes[..1500], File.ReadAllBytes(Partial));
        Assert.Equal([false], hub.Ended);
        Assert.False(File.Exists(Path.Combine(hub.Repository, "refs", "main")));

        hub.Server.Instead = _ => null;
        hub.Download();
        Assert.Equal("bytes=1500-", hub.Ranges(Weights)[^1]);
        Assert.Equal(Bytes, File.ReadAllBytes(Path.Combine(hub.Snapshot, Weights)));
    }

    [Fact]
    public void A_stop_leaves_what_has_arrived()
    {
        using var stop = new CancellationTokenSource();
        hub.Server.Instead = request => IsBody(request) ? HubServer.Content(request, Bytes, 2000) : null;
        hub.OnBytes = stop.Cancel;
        Assert.ThrowsAny<OperationCanceledException>(() => hub.Download(cancel: stop.Token));
        var kept = File.ReadAllBytes(Partial);
        Assert.InRange(kept.Length, 1, 2000);
        Assert.Equal(Bytes[..kept.Length], kept);

        hub.OnBytes = null;
        hub.Server.Instead = _ => null;
        hub.Download();
        Assert.Equal(["all", $"bytes={kept.Length}-"], hub.Ranges(Weights));
        Assert.Equal(Bytes, File.ReadAllBytes(Path.Combine(hub.Snapshot, Weights)));
    }

    [Fact]
    public void A_stop_ends_the_waiting_for_a_server_that_says_nothing()
    {
        using var stop = new CancellationTokenSource(300);
        using var never = new ManualResetEventSlim();
        hub.Server.Instead = request =>
        {
            if (IsBody(request))
                never.Wait(10_000);
            return null;
        };
        var started = Environment.TickCount64;
        Assert.ThrowsAny<OperationCanceledException>(() => hub.Download(cancel: stop.Token));
        Assert.InRange(Environment.TickCount64 - started, 0, 5000);
        never.Set();
    }

    [Fact]
    public void A_server_that_says_nothing_is_asked_again()
    {
        using var other = new HubFixture { Patience = TimeSpan.FromMilliseconds(800) };
        using var never = new ManualResetEventSlim();
        var silent = 1;
        other.Server.Instead = request =>
        {
            if (IsBody(request) && Interlocked.Decrement(ref silent) >= 0)
                never.Wait(10_000);
            return null;
        };
        other.Download();
        never.Set();
        Assert.Equal("hf://owner/tiny-model: 127.0.0.1 gave no answer for 1 s. Trying again in 1 s.", other.Notes[0]);
    }

    [Theory]
    [InlineData(200, false)]
    [InlineData(416, true)]
    [InlineData(206, true)]
    public void A_server_that_cannot_continue_sends_the_whole(int status, bool again)
    {
        Leave(Bytes[..1200]);
        hub.Server.Instead = request => IsBody(request) && request["Range"] is not null
            ? status switch
            {
                200 => new HubAnswer(200, Bytes),
                416 => new HubAnswer(416, []),
                _ => new HubAnswer(206, Bytes, null, ("Content-Range", string.Create(CultureInfo.InvariantCulture, $"bytes 0-{Bytes.Length - 1}/{Bytes.Length}"))),
            }
            : null;
        hub.Download();
        Assert.Equal(again ? ["bytes=1200-", "all"] : ["bytes=1200-"], hub.Ranges(Weights));
        Assert.Equal(Bytes, File.ReadAllBytes(Path.Combine(hub.Snapshot, Weights)));
        Assert.Equal(5000, hub.Bytes);
    }

    [Fact]
    public void A_server_that_drops_and_cannot_continue_sends_the_whole()
    {
        var drops = 1;
        hub.Server.Instead = request => IsBody(request) ? new HubAnswer(200, Bytes, drops-- > 0 ? 1000 : null) : null;
        hub.Download();
        Assert.Equal(["all", "bytes=1000-"], hub.Ranges(Weights));
        Assert.Equal(Bytes, File.ReadAllBytes(Path.Combine(hub.Snapshot, Weights)));
    }

    [Fact]
    public void A_part_that_is_whole_already_is_not_asked_for()
    {
        Leave(Bytes);
        hub.Download();
        Assert.Empty(hub.Ranges(Weights));
        Assert.Equal(Bytes, File.ReadAllBytes(Path.Combine(hub.Snapshot, Weights)));
    }

    [Theory]
    [InlineData(1200)]
    [InlineData(6000)]
    public void A_damaged_part_of_an_earlier_process_is_thrown_away(int length)
    {
        Leave(new byte[length]);
        hub.Download();
        Assert.Equal(length > Bytes.Length ? ["all"] : ["bytes=1200-", "all"], hub.Ranges(Weights));
        Assert.Equal(Bytes, File.ReadAllBytes(Path.Combine(hub.Snapshot, Weights)));
    }

    [Theory]
    [InlineData(Weights, "SHA-256")]
    [InlineData("config.json", "git hash")]
    public void Bytes_that_are_not_what_their_etag_says_are_removed(string file, string kind)
    {
        var right = hub.Server.Files[file];
        byte[] wrong = [.. right];
        wrong[right.Length / 2] ^= 1;
        hub.Server.Instead = request => request.Method == "GET" && request.Path == HubServer.Resolve(file) ? HubServer.Content(request, wrong) : null;
        Assert.Equal(
            $"hf://owner/tiny-model: {file} arrived damaged: expected the {kind} {HubServer.ETag(file, right)}, found {HubServer.ETag(file, wrong)}. What had arrived is removed. Run the same command again; when that does not help, the server or something on the way to it changes files.",
            hub.Fault());
        Assert.False(File.Exists(hub.Blob(file)));
        Assert.False(File.Exists($"{hub.Blob(file)}.incomplete"));
        Assert.False(Path.Exists(Path.Combine(hub.Snapshot, file)));
        Assert.Single(hub.Ranges(file));
    }

    [Fact]
    public void More_bytes_than_were_announced_are_not_taken()
    {
        hub.Server.Instead = request => IsBody(request) ? new HubAnswer(200, [.. Bytes, 0]) : null;
        Assert.Equal("hf://owner/tiny-model: expected 5000 bytes of model.safetensors, found more. What had arrived is removed.", hub.Fault());
        Assert.False(File.Exists(hub.Blob(Weights)));
    }

    [Fact]
    public void A_disk_without_room_is_told_before_anything_is_downloaded()
    {
        Leave(Bytes[..1000]);
        hub.Free = 3999;
        Assert.Equal($"hf://owner/tiny-model: expected 0.0 GB of free disk space for the cache '{hub.Cache}', found 0.0 GB. Free some, or name a folder on another disk in HF_HOME.", hub.Fault());
        Assert.Empty(hub.Ranges(Weights));
        hub.Free = 4000;
        hub.Download();
    }

    private static bool IsBody(HubRequest request) => request.Method == "GET" && request.Path == HubServer.Resolve(Weights);

    private void Leave(byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Partial)!);
        File.WriteAllBytes(Partial, bytes);
    }
}
