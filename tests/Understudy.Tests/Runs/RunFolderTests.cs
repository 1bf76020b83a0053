using Understudy.Runs;

namespace Understudy.Tests.Runs;

public sealed class RunFolderTests : IDisposable
{
    private sealed record Outcome(double Accuracy, string Model);

    private readonly TemporaryFolder folder = new();

    private string Run => folder["run"];

    public void Dispose() => folder.Dispose();

    private static Fingerprint Epochs(int epochs) => new Fingerprint().Add("teacher.tune.epochs", $"{epochs}").Add("seed", "1");

    [Fact]
    public void A_finished_stage_is_not_repeated_and_its_result_is_kept()
    {
        using (var run = RunFolder.Open(Run))
        {
            var stage = run.Begin("tune", Epochs(3), run.Model("teacher"));
            Assert.Equal(StageState.New, stage.State);
            Assert.Throws<InvalidOperationException>(stage.Result<Outcome>);
            Directory.CreateDirectory(run.Model("teacher"));
            Assert.Equal(StageState.Interrupted, run.Begin("tune", Epochs(3), run.Model("teacher")).State);
            stage.Finish(new Outcome(0.5, "models/teacher"));
        }
        using var again = RunFolder.Open(Run);
        var finished = again.Begin("tune", Epochs(3), again.Model("teacher"));
        Assert.Equal(StageState.Finished, finished.State);
        Assert.Equal(new Outcome(0.5, "models/teacher"), finished.Result<Outcome>());
        Directory.Delete(again.Model("teacher"));
        Assert.Equal(StageState.New, again.Begin("tune", Epochs(3), again.Model("teacher")).State);
    }

    [Fact]
    public void Work_with_other_settings_is_set_aside()
    {
        using var run = RunFolder.Open(Run);
        var rows = run.Rows("annotated");
        var earlier = run.Begin("annotate", Epochs(3), rows);
        Directory.CreateDirectory(Path.GetDirectoryName(rows)!);
        File.WriteAllText(rows, "{}\n");
        earlier.Finish(new Outcome(1, ""));

        var stage = run.Begin("annotate", Epochs(4), rows);
        Assert.Equal(StageState.New, stage.State);
        Assert.Equal(["teacher.tune.epochs"], stage.Changed);
        Assert.False(File.Exists(rows));
        var aside = Path.Combine(Run, "superseded", $"annotate-{Epochs(3).ToString()[..8]}");
        Assert.Equal("{}\n", File.ReadAllText(Path.Combine(aside, "rows-annotated.jsonl")));
        Assert.True(File.Exists(Path.Combine(aside, "stages-annotate", "stage.json")));
        Assert.Equal(StageState.Interrupted, run.Begin("annotate", Epochs(4), rows).State);
    }

    [Fact]
    public void What_was_written_before_a_stage_had_a_marker_is_not_taken_for_its_own()
    {
        using var run = RunFolder.Open(Run);
        var rows = run.Rows("annotated");
        Directory.CreateDirectory(Path.GetDirectoryName(rows)!);
        File.WriteAllText(rows, "{}\n");
        Directory.CreateDirectory(Path.Combine(Run, "stages/annotate"));
        var stage = run.Begin("annotate", Epochs(3), rows);
        Assert.Equal(StageState.New, stage.State);
        Assert.Equal(["stages/annotate/stage.json"], stage.Changed);
        Assert.Equal("{}\n", File.ReadAllText(Path.Combine(Run, "superseded/annotate-unmarked/rows-annotated.jsonl")));
        Assert.False(File.Exists(rows));
        Assert.Equal([], run.Begin("tune", Epochs(3), run.Model("teacher")).Changed);
    }

    [Fact]
    public void A_result_that_is_not_as_it_was_left_is_refused_until_it_is_removed()
    {
        using var run = RunFolder.Open(Run);
        var model = run.Model("teacher");
        var weights = Path.Combine(model, "model.safetensors");
        run.Begin("tune", Epochs(3), model);
        Directory.CreateDirectory(model);
        File.WriteAllText(weights, "12345678");
        run.Begin("tune", Epochs(3), model).Finish(new Outcome(1, ""));
        Assert.Equal(StageState.Finished, run.Begin("tune", Epochs(3), model).State);
        File.WriteAllText(weights, "1234");
        Assert.Equal($"{weights}: expected the 8 bytes that the finished stage 'tune' had written, found 4. Put the file back, or remove 'models/teacher' from the run folder to do the stage again.",
            Assert.Throws<InvalidDataException>(() => run.Begin("tune", Epochs(3), model)).Message);
        File.Delete(weights);
        Assert.Equal($"{weights}: expected the 8 bytes that the finished stage 'tune' had written, found no such file. Put the file back, or remove 'models/teacher' from the run folder to do the stage again.",
            Assert.Throws<InvalidDataException>(() => run.Begin("tune", Epochs(3), model)).Message);
        Directory.Delete(model);
        Assert.Equal(StageState.New, run.Begin("tune", Epochs(3), model).State);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"fingerprint\": \"12")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("null")]
    [InlineData("\0\0\0")]
    [InlineData("{\"fingerprint\": null, \"parts\": {}, \"finished\": true, \"result\": null}")]
    public void A_marker_that_is_damaged_is_refused_with_what_to_remove(string content)
    {
        using var run = RunFolder.Open(Run);
        run.Begin("tune", Epochs(3)).Finish(new Outcome(1, ""));
        var marker = Path.Combine(Run, "stages/tune/stage.json");
        File.WriteAllText(marker, content);
        var message = Assert.Throws<InvalidDataException>(() => run.Begin("tune", Epochs(3))).Message;
        Assert.StartsWith($"{marker}: expected what Understudy noted about the stage 'tune', found something else (", message, StringComparison.Ordinal);
        Assert.EndsWith("). Remove the file to do the stage again; what it had written is kept under superseded/.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_marker_cannot_lead_out_of_the_run_folder()
    {
        using var run = RunFolder.Open(Run);
        run.Begin("tune", Epochs(3)).Finish(new Outcome(1, ""));
        var marker = Path.Combine(Run, "stages/tune/stage.json");
        File.WriteAllText(marker, File.ReadAllText(marker).Replace(Epochs(3).ToString(), "/../../../a", StringComparison.Ordinal));
        Assert.Equal(["stages/tune/stage.json"], run.Begin("tune", Epochs(3)).Changed);
        Assert.Equal(["tune-a"], Directory.EnumerateDirectories(Path.Combine(Run, "superseded")).Select(Path.GetFileName));
    }

    [Fact]
    public void Only_what_a_killed_process_left_half_written_is_swept_up()
    {
        RunFolder.Open(Run).Dispose();
        string[] mine = ["notes.tmp", "rows/a.jsonl.mine.tmp", "models/m/model.safetensors"];
        string[] left = ["run.yaml.4711.tmp", "models/m/model.safetensors.ab3defgh.xy1.tmp"];
        foreach (var file in mine.Concat(left))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Run, file))!);
            File.WriteAllText(Path.Combine(Run, file), "");
        }

        RunFolder.Open(Run).Dispose();
        Assert.All(mine, file => Assert.True(File.Exists(Path.Combine(Run, file)), file));
        Assert.All(left, file => Assert.False(File.Exists(Path.Combine(Run, file)), file));
    }

    [Fact]
    public void A_second_user_is_refused_until_the_first_is_gone()
    {
        using (RunFolder.Open(Run))
        {
            var e = Assert.Throws<IOException>(() => RunFolder.Open(Run));
            Assert.Equal($"The run folder '{Run}' is in use by process {Environment.ProcessId} on '{Environment.MachineName}'. Wait until it ends, stop it, or choose another folder with --output.", e.Message);
        }
        RunFolder.Open(Run).Dispose();
    }

    [Fact]
    public void A_folder_with_something_else_is_left_alone()
    {
        File.WriteAllText(folder["thesis.docx"], "");
        Assert.Equal($"The folder '{folder.FullName}' is not empty and holds no run. Choose another one with --output, so that nothing of yours is overwritten.",
            Assert.Throws<IOException>(() => RunFolder.Open(folder.FullName)).Message);
        Assert.Equal($"Expected a folder for the run, found the file '{folder["thesis.docx"]}'. Choose another folder with --output.",
            Assert.Throws<IOException>(() => RunFolder.Open(folder["thesis.docx"])).Message);
    }

    [Fact]
    public void No_secret_is_written()
    {
        var file = RunFile.Parse<SampleOptions>("name: a\nnote: ${API_KEY}", "a.yaml", ["prompt=${HF_TOKEN}"], name => $"secret of {name}");
        using (var run = RunFolder.Open(Run))
        {
            run.Write(file);
            run.Write(new RunManifest { Seed = 3, Overrides = file.Overrides });
            run.Begin("tune", new Fingerprint().AddOptions("run", file.Options)).Finish(new Outcome(1, ""));
        }
        Assert.All(Directory.EnumerateFiles(Run, "*", SearchOption.AllDirectories),
            path => Assert.DoesNotContain("secret of", File.ReadAllText(path), StringComparison.Ordinal));
        Assert.Contains("note: \"${API_KEY}\"", File.ReadAllText(Path.Combine(Run, "run.yaml")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_manifest_says_what_it_ran_on()
    {
        using var run = RunFolder.Open(Run);
        run.Write(new RunManifest { Libtorch = "1.13.1", Seed = 5 });
        var manifest = RunJson.Read<RunManifest>(Path.Combine(Run, "manifest.json"));
        Assert.Equal((5, "1.13.1", Environment.ProcessorCount), (manifest.Seed, manifest.Libtorch, manifest.Cores));
        Assert.StartsWith("0.1.0", manifest.Understudy, StringComparison.Ordinal);
    }

    [Fact]
    public void Replacing_a_file_that_fails_keeps_the_old_content()
    {
        var path = folder["a.txt"];
        Storage.Replace(path, "old");
        Assert.Throws<InvalidOperationException>(() => Storage.Replace(path, stream =>
        {
            stream.WriteByte(1);
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.EnumerateFiles(folder.FullName));
    }

    [Fact]
    public void A_disk_that_refuses_is_named_with_a_cure()
    {
        var full = Assert.Throws<IOException>(() => Storage.Guard("rows/a.jsonl", () =>
        {
            using var stream = new FileStream("/dev/full", FileMode.Open, FileAccess.Write);
            stream.WriteByte(1);
            stream.Flush();
        }));
        Assert.Equal("The disk is full: 'rows/a.jsonl' could not be written. Free some space and run the same command again; it continues where it stopped.", full.Message);
        var denied = Assert.Throws<IOException>(() => Storage.Guard("a", () => throw new UnauthorizedAccessException()));
        Assert.Equal("There is no permission to write 'a'. Make it writable for this user, or choose another run folder with --output.", denied.Message);
        File.WriteAllText(folder["file"], "");
        Assert.Throws<IOException>(() => Journal<Outcome>.Open(folder["file/rows.jsonl"], row => row.Model));
    }
}
