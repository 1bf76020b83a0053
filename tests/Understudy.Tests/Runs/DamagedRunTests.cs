namespace Understudy.Tests.Runs;

/// <summary>What becomes of a finished run in whose folder a file is not what it was.</summary>
[Collection(ToyRun.Name)]
public sealed class DamagedRunTests(ToyRun toy)
{
    [Fact]
    public void What_a_run_writes_anew_may_be_anything()
    {
        toy.CopyWhole();
        (string File, string Content)[] damage =
        [
            ("run.yaml", ""),
            ("manifest.json", "{\"understudy\":"),
            ("result.json", "\0\0\0\0"),
            (".lock.holder.json", "half a li"),
            ("stages/tune/stage.json.4711.tmp", "{"),
            ("stages/tune/checkpoint.safetensors", ""),
            ("models/teacher/model.safetensors.abcdefgh.xyz.tmp", ""),
        ];
        foreach (var (file, content) in damage)
            File.WriteAllText(Path.Combine(toy.Run, file), content);
        var (exit, output, _) = toy.Go();
        Assert.Equal((0, toy.Table), (exit, output));
        toy.AssertAsUndisturbed(toy.Run);
    }

    [Theory]
    [InlineData("models/teacher/model.safetensors", 100)]
    [InlineData("models/first.both.1/tokenizer.json", 0)]
    [InlineData("rows/annotated.jsonl", -1)]
    public void A_result_that_was_cut_short_is_refused_with_what_to_remove(string file, int length)
    {
        toy.CopyWhole();
        var path = Path.Combine(toy.Run, file);
        var whole = new FileInfo(path).Length;
        Cut(path, length < 0 ? whole + length : length);
        var output = string.Join('/', file.Split('/')[..2]);
        var stage = file.Contains("annotated", StringComparison.Ordinal) ? "[a-z-]+" : file.Contains("teacher", StringComparison.Ordinal) ? "tune" : "first\\.both\\.1";
        var (exit, _, error) = toy.Go();
        Assert.Equal(2, exit);
        Assert.Matches($"^{path}: expected the {whole} bytes that the finished stage '{stage}' had written, found {new FileInfo(path).Length}\\. Put the file back, or remove '{output}' from the run folder to do the stage again\\.$", error.TrimEnd().Split('\n')[^1]);

        output = Path.Combine(toy.Run, output);
        if (Directory.Exists(output))
            Directory.Delete(output, recursive: true);
        else
            File.Delete(output);
        Assert.Equal(0, toy.Go().Exit);
        toy.AssertAsUndisturbed(toy.Run, figuresInOrder: false);
    }

    [Fact]
    public void A_stage_whose_marker_is_damaged_is_done_again_once_that_is_removed()
    {
        toy.CopyWhole();
        var marker = Path.Combine(toy.Run, "stages/second.generated.1/stage.json");
        Cut(marker, 50);
        var (exit, _, error) = toy.Go();
        var last = error.TrimEnd().Split('\n')[^1];
        Assert.Equal(2, exit);
        Assert.StartsWith($"{marker}: expected what Understudy noted about the stage 'second.generated.1', found something else (", last, StringComparison.Ordinal);
        Assert.EndsWith("). Remove the file to do the stage again; what it had written is kept under superseded/.", last, StringComparison.Ordinal);

        File.Delete(marker);
        (exit, _, error) = toy.Go();
        Assert.Equal(0, exit);
        Assert.Contains("second.generated.1: begins again, because stages/second.generated.1/stage.json changed. What it had written is kept under superseded/.\n", error, StringComparison.Ordinal);
        var kept = Path.Combine(toy.Run, "superseded/second.generated.1-unmarked/models-second.generated.1/model.safetensors");
        Assert.Equal(File.ReadAllBytes(Path.Combine(toy.Whole, "models/second.generated.1/model.safetensors")), File.ReadAllBytes(kept));
        Directory.Delete(Path.Combine(toy.Run, "superseded"), recursive: true);
        toy.AssertAsUndisturbed(toy.Run, figuresInOrder: false);
    }

    [Fact]
    public void A_checkpoint_that_was_cut_short_is_refused_with_what_to_remove()
    {
        string checkpoint;
        using (var process = toy.Start())
        {
            checkpoint = Path.Combine(toy.Run, "stages/pretrain/checkpoint.safetensors");
            while (!process.HasEnded && !File.Exists(checkpoint))
                Thread.Sleep(1);
            process.Kill();
            process.Wait();
        }

        Cut(checkpoint, 4000);
        var (exit, _, error) = toy.Go();
        Assert.Equal((2, $"{checkpoint}: the file is missing, damaged or cut short. To start the stage again, remove both 'checkpoint.safetensors' and 'best.safetensors' from its folder."), (exit, error.TrimEnd().Split('\n')[^1]));
        File.Delete(checkpoint);
        Cut(Path.Combine(toy.Run, "stages/pretrain/train-tokens.safetensors"), 50);
        (exit, _, error) = toy.Go();
        Assert.Equal(0, exit);
        Assert.Contains("so it is prepared again.\n", error, StringComparison.Ordinal);
        toy.AssertAsUndisturbed(toy.Run);
    }

    [Fact]
    public void A_torn_figure_is_cut_off_and_said()
    {
        toy.CopyWhole();
        var metrics = Path.Combine(toy.Run, "metrics.jsonl");
        File.AppendAllText(metrics, "{\"stage\":\"se");
        var (exit, _, error) = toy.Go();
        Assert.Equal(0, exit);
        Assert.Contains("metrics.jsonl ended in a line of 12 bytes that was cut short, and it was removed.\n", error, StringComparison.Ordinal);
        toy.AssertAsUndisturbed(toy.Run);

        var lines = File.ReadAllLines(metrics);
        lines[3] = lines[3][..20];
        File.WriteAllLines(metrics, lines);
        (exit, _, error) = toy.Go();
        Assert.Equal(2, exit);
        Assert.StartsWith($"{metrics}(4): expected a JSON object on the line, found something else (", error.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    private static void Cut(string path, long length)
    {
        using var stream = new FileStream(path, FileMode.Open);
        Assert.True(length < stream.Length);
        stream.SetLength(length);
    }
}
