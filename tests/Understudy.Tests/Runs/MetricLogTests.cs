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
    public void A_log_cut_at_any_byte_loses_the_line_in_flight_alone()
    {
        var path = folder["metrics.jsonl"];
        using (var log = MetricLog.Open(path))
        {
            log.Append("größer", 1, ("loss", 0.5));
            log.Append("tune", 2, ("loss", double.NaN));
        }
        var bytes = File.ReadAllBytes(path);
        for (var length = 0; length <= bytes.Length; length++)
        {
            File.WriteAllBytes(path, [.. bytes[..length], .. new byte[length % 3]]);
            var whole = bytes.AsSpan(0, length).Count((byte)'\n');
            Assert.Equal(whole, MetricLog.Read(path).Count);
            using (var log = MetricLog.Open(path))
            {
                Assert.Equal(length + (length % 3) - bytes.AsSpan(0, length).LastIndexOf((byte)'\n') - 1, log.BytesCut);
                if (whole == 0)
                    log.Append("größer", 1, ("loss", 0.5));
                if (whole <= 1)
                    log.Append("tune", 2, ("loss", double.NaN));
            }

            Assert.Equal(bytes, File.ReadAllBytes(path));
        }
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
