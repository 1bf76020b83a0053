using Spectre.Console;
using Understudy.Cli;

namespace Understudy.Tests.Cli;

public sealed class ProgressTests
{
    private sealed class Clock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }

    [Fact]
    public void Lines_come_seldom_and_say_what_is_left()
    {
        var clock = new Clock();
        using var output = new StringWriter();
        var progress = new LineProgress(output, clock);
        progress.Note("override epochs=3");
        using (var stage = progress.Start("tune", 1000, "steps"))
        {
            for (var step = 1; step <= 1000; step++)
            {
                clock.Seconds = step / 10.0;
                stage.Advance(1, 1.0 / step, step == 400 ? "epoch 2" : null);
            }
            stage.Finish("accuracy 61%");
        }
        Assert.Equal("""
            override epochs=3
            tune: 100/1000 steps (10%), 10.0 steps/s, loss 0.0100, 1:30 left
            tune: 200/1000 steps (20%), 10.0 steps/s, loss 0.0050, 1:20 left
            tune: 300/1000 steps (30%), 10.0 steps/s, loss 0.0033, 1:10 left
            tune: 400/1000 steps (40%), 10.0 steps/s, loss 0.0025, 1:00 left, epoch 2
            tune: 500/1000 steps (50%), 10.0 steps/s, loss 0.0020, 0:50 left, epoch 2
            tune: 600/1000 steps (60%), 10.0 steps/s, loss 0.0017, 0:40 left, epoch 2
            tune: 700/1000 steps (70%), 10.0 steps/s, loss 0.0014, 0:30 left, epoch 2
            tune: 800/1000 steps (80%), 10.0 steps/s, loss 0.0013, 0:20 left, epoch 2
            tune: 900/1000 steps (90%), 10.0 steps/s, loss 0.0011, 0:10 left, epoch 2
            tune: 1000/1000 steps (100%), 10.0 steps/s, loss 0.0010, epoch 2
            tune: 1000 steps in 1:40, loss 0.0010. accuracy 61%

            """.ReplaceLineEndings("\n"), output.ToString());
    }

    [Fact]
    public void A_note_cannot_command_the_terminal()
    {
        using var output = new StringWriter();
        new LineProgress(output, new Clock()).Note("label 'a\u001b]0;x\u0007' has 1 row");
        Assert.Equal("label 'a?]0;x?' has 1 row\n", output.ToString());
    }

    [Fact]
    public void What_was_done_before_does_not_count_for_the_rate()
    {
        var clock = new Clock();
        using var output = new StringWriter();
        var stage = new LineProgress(output, clock).Start("tune", 1000, "steps");
        stage.Advance(800);
        for (var second = 1; second <= 20; second++)
        {
            clock.Seconds = second;
            stage.Advance(5, 0.5);
        }
        Assert.Equal("tune: 850/1000 steps (85%), 5.00 steps/s, loss 0.5000, 0:30 left\ntune: 900/1000 steps (90%), 5.00 steps/s, loss 0.5000, 0:20 left\n", output.ToString());
    }

    [Fact]
    public void A_long_stage_shows_a_sign_of_life_and_a_broken_one_its_end()
    {
        var clock = new Clock();
        using var output = new StringWriter();
        using (var stage = new LineProgress(output, clock).Start("annotate", 100_000, "rows"))
        {
            for (var second = 0; second < 150; second++)
            {
                clock.Seconds++;
                stage.Advance(1);
            }
        }
        Assert.Equal("annotate: 60/100000 rows (0%), 1.00 rows/s, 27:45:40 left\nannotate: 120/100000 rows (0%), 1.00 rows/s, 27:44:40 left\nannotate: stopped after 150 rows in 2:30\n", output.ToString());
    }

    [Fact]
    public void Bars_run_on_the_callers_thread_and_leave_a_line()
    {
        using var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new Terminal(output, 24, 100), Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes });
        var thread = Environment.CurrentManagedThreadId;
        var result = BarProgress.Run(console, new Clock(), progress =>
        {
            Assert.Equal(thread, Environment.CurrentManagedThreadId);
            progress.Note("a [note] with brackets");
            using (var stage = progress.Start("tune [x]", 10, "steps"))
            {
                stage.Advance(10, 0.5);
                stage.Finish("done");
            }
            using (var open = progress.Start("read", null, "rows"))
                open.Advance(3);
            progress.Start("read text", null, "lines").Finish("584 lines");
            return 7;
        });
        Assert.Equal(7, result);
        var text = output.ToString();
        Assert.Contains("a [note] with brackets", text, StringComparison.Ordinal);
        Assert.Contains("tune [x]: 10 steps in 0:00, loss 0.5000. done", text, StringComparison.Ordinal);
        Assert.Contains("read text: 584 lines in 0:00", text, StringComparison.Ordinal);
        Assert.Contains("read: stopped after 3 rows in 0:00", text, StringComparison.Ordinal);
    }

    private sealed record Terminal(TextWriter Writer, int Height, int Width) : IAnsiConsoleOutput
    {
        public bool IsTerminal => true;

        public void SetEncoding(System.Text.Encoding encoding) { }
    }

    [Theory]
    [InlineData(24, 80, true)]
    [InlineData(0, 80, false)]
    [InlineData(24, 0, false)]
    [InlineData(0, 0, false)]
    public void Bars_need_room(int height, int width, bool hasRoom)
    {
        using var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new Terminal(output, height, width) });
        Assert.Equal(hasRoom, RunScreen.HasRoom(console));
    }
}
