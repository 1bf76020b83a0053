using Understudy.Runs;

namespace Understudy.Tests.Runs;

public sealed class MetricLogTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Continuing_from_a_step_drops_what_that_stage_logged_after_it()
    {
        var path = folder["metrics.jsonl"];
        using (var log = MetricLog.Open(path))
        {
            for (var step = 1; step <= 4; step++)
            {
                log.Append("tune", step, ("loss", 1.0 / step), ("learning_rate", double.NaN));
                log.Append("train", step, ("loss", step));
            }
        }
        File.AppendAllText(path, "{\"stage\":\"tune\",\"st");
        using (var log = MetricLog.Open(path))
        {
            log.DropAfter("tune", 2);
            log.Append("tune", 3, ("loss", 9));
        }
        var lines = MetricLog.Read(path);
        Assert.Equal(["tune 1", "train 1", "tune 2", "train 2", "train 3", "train 4", "tune 3"], lines.Select(line => $"{line.Stage} {line.Step}"));
        Assert.Equal("{\"stage\":\"tune\",\"step\":2,\"loss\":0.5,\"learning_rate\":\"NaN\"}", lines[2].Json);
        Assert.Equal(0.5, lines[2].Figures["loss"]);
        Assert.True(double.IsNaN(lines[2].Figures["learning_rate"]));
        Assert.Equal(9, lines[^1].Figures["loss"]);
    }

    [Fact]
    public void A_line_that_is_no_metric_is_refused()
    {
        var path = folder["metrics.jsonl"];
        File.WriteAllText(path, "{\"step\":1}\n{\"stage\":\"a\",\"step\":1}\n");
        Assert.Equal($"{path}(1): expected a JSON object on the line, found something else (it has no 'stage' and 'step'). Only the last line of this file can be torn by a crash; remove the line, or the file to begin anew.",
            Assert.Throws<InvalidDataException>(() => MetricLog.Open(path)).Message);
    }
}
