using Understudy.Data;

namespace Understudy.Tests.Runs;

/// <summary>What becomes of a run whose process is killed, with SIGKILL, at any point.</summary>
[Collection(ToyRun.Name)]
public sealed class KilledRunTests(ToyRun toy)
{
    private const int Kills = 20;

    [Fact]
    public void A_run_killed_twenty_times_ends_with_the_files_of_an_undisturbed_one()
    {
        var random = new SeededRandom(20);
        var hit = new List<string>();
        RunProcess? process = null;
        for (var kill = 0; kill < Kills; kill++)
        {
            // One in each twentieth of the run's life, anywhere in it, and then up to 10 ms later: between two ticks, too.
            var at = (int)((kill + random.NextDouble()) / Kills * 0.95 * toy.Ticks);
            var later = TimeSpan.FromMilliseconds(10 * random.NextDouble());
            using (process = kill == 0 ? toy.Start() : toy.Continue())
            {
                while (!process.HasEnded && ToyRun.TicksOf(toy.Run) < at)
                    Thread.Sleep(1);
                Thread.Sleep(later);
                process.Kill();
                var (exit, _, error) = process.Wait();
                if (exit == 0)
                    break;
                Assert.True(exit == 137, $"The program ended by itself with {exit}: {error}");
                hit.Add(ToyRun.UnfinishedStage(toy.Run));
            }
        }

        var last = toy.Go();
        Assert.Equal((0, toy.Table), (last.Exit, last.Output));
        toy.AssertAsUndisturbed(toy.Run);

        // A machine so busy that it looks away while the last stages run may miss the last of the points.
        var stages = string.Join(", ", hit);
        Assert.True(hit.Count >= Kills - 4, $"only {hit.Count} kills: {stages}");
        Assert.True(hit.Distinct().Count() >= 6, $"only {hit.Distinct().Count()} places were hit: {stages}");
        Assert.Contains("pretrain", hit);
        Assert.Contains("tune", hit);
        Assert.Contains(hit, stage => stage.StartsWith("first.", StringComparison.Ordinal));
        Assert.Contains(hit, stage => stage.StartsWith("second.", StringComparison.Ordinal));
    }

    [Fact]
    public void A_second_process_is_refused_until_the_first_is_killed()
    {
        using var first = toy.Start();
        while (!first.HasEnded && ToyRun.TicksOf(toy.Run) < toy.Ticks / 10)
            Thread.Sleep(1);
        first.Freeze();
        var (exit, output, error) = toy.Go();
        Assert.Equal((2, "", $"override output=run\noverride threads=1\nrun folder {toy.Run}\nThe run folder '{toy.Run}' is in use by process {first.Id} on '{Environment.MachineName}'. Wait until it ends, stop it, or choose another folder with --output.\n"), (exit, output, error));
        first.Kill();
        first.Wait();
        (exit, output, _) = toy.Go();
        Assert.Equal((0, toy.Table), (exit, output));
        toy.AssertAsUndisturbed(toy.Run);
    }

    [Fact]
    public void A_finished_run_is_not_repeated()
    {
        toy.CopyWhole();
        var before = Times();
        var (exit, output, error) = toy.Go();
        Assert.Equal((0, toy.Table), (exit, output));
        Assert.DoesNotContain("steps in", error, StringComparison.Ordinal);
        toy.AssertAsUndisturbed(toy.Run);
        Assert.Equal(before, Times());

        Dictionary<string, DateTime> Times() => Directory.EnumerateFiles(toy.Run, "*", SearchOption.AllDirectories)
            .Where(file => Path.GetRelativePath(toy.Run, file).Contains('/', StringComparison.Ordinal))
            .ToDictionary(file => file, File.GetLastWriteTimeUtc);
    }
}
