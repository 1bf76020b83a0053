using System.Text.RegularExpressions;
using Understudy.Data;

namespace Understudy.Tests.Runs;

/// <summary>What becomes of a run whose disk gets full, again and again.</summary>
[Collection(ToyRun.Name)]
public sealed partial class FullDiskTests(ToyRun toy)
{
    private const int Steps = 12, Page = 4096;

    [SmallDiskFact]
    public void A_run_on_a_disk_that_is_too_small_says_so_and_continues_once_there_is_room()
    {
        if (Directory.Exists(toy.Run))
            Directory.Delete(toy.Run, recursive: true);
        var random = new SeededRandom(7);
        var room = 2L * Page;
        var step = Directory.EnumerateFiles(toy.Whole, "*", SearchOption.AllDirectories).Sum(file => (new FileInfo(file).Length + Page - 1) / Page * Page) / Steps;
        var hit = new List<string>();
        try
        {
            using var disk = new SmallDisk(toy.Run, room);
            var (exit, output, error) = toy.Go(disk.Inside);
            while (exit != 0)
            {
                Assert.Equal((2, ""), (exit, output));
                Assert.Matches(Refusal(), error.TrimEnd().Split('\n')[^1]);
                Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
                Assert.DoesNotContain(Directory.EnumerateFiles(disk.Outside, "*", SearchOption.AllDirectories), file => file.EndsWith(".tmp", StringComparison.Ordinal));
                hit.Add(ToyRun.UnfinishedStage(disk.Outside));
                Assert.True(hit.Count <= 3 * Steps, $"a disk of {room} bytes is still too small");
                room += (long)(step * (0.5 + random.NextDouble()));
                disk.Resize(room);
                (exit, output, error) = toy.Go(disk.Inside);
            }

            Assert.Equal(toy.Table, output);
            toy.AssertAsUndisturbed(disk.Outside);
        }
        finally
        {
            Directory.Delete(toy.Run, recursive: true);
        }

        Assert.True(hit.Distinct().Count() >= 4, $"only these stages found the disk full: {string.Join(", ", hit)}");
    }

    [GeneratedRegex("^The disk is full: '/.*' could not be written\\. Free some space and run the same command again; it continues where it stopped\\.$")]
    private static partial Regex Refusal();
}
