using System.Collections.Concurrent;
using Spectre.Console;
using Spectre.Console.Rendering;
using Understudy.Runs;

namespace Understudy.Cli;

/// <summary>Progress as a bar for each stage under way, with rate, loss and remaining time; a finished one becomes a line above.</summary>
internal sealed class BarProgress : IRunProgress
{
    private readonly ConcurrentDictionary<int, StageClock> clocks;
    private readonly IAnsiConsole console;
    private readonly ProgressContext context;
    private readonly TimeProvider time;

    private BarProgress(IAnsiConsole console, ProgressContext context, ConcurrentDictionary<int, StageClock> clocks, TimeProvider time)
    {
        this.console = console;
        this.context = context;
        this.clocks = clocks;
        this.time = time;
    }

    /// <summary>Runs <paramref name="body"/> on this thread with bars below what it prints.</summary>
    public static T Run<T>(IAnsiConsole console, TimeProvider time, Func<IRunProgress, T> body)
    {
        var clocks = new ConcurrentDictionary<int, StageClock>();
        return console.Progress().AutoClear(true).HideCompleted(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 16 }, new PercentageColumn(), new StateColumn(clocks))
            .Start(context => body(new BarProgress(console, context, clocks, time)));
    }

    public IStageProgress Start(string name, long? total, string unit)
    {
        var task = context.AddTask(Markup.Escape(name), autoStart: true, maxValue: Math.Max(1, total ?? 1));
        task.IsIndeterminate = total is null;
        var clock = clocks[task.Id] = new StageClock(name, total, unit, time);
        return new Stage(this, task, clock);
    }

    public void Note(string text) => console.WriteLine(TerminalText.Of(text));

    private sealed class Stage(BarProgress owner, ProgressTask task, StageClock clock) : IStageProgress
    {
        private bool ended;

        public void Advance(long count, double? loss = null, string? detail = null)
        {
            clock.Advance(count, loss, detail);
            if (clock.Total is not null)
                task.Value = clock.Done;
        }

        public void Finish(string summary = "") => End(true, summary);

        public void Dispose() => End(false, "");

        private void End(bool well, string summary)
        {
            if (ended)
                return;
            ended = true;
            // A task at its maximum is hidden; one that stopped short of it has to be brought there.
            task.Value = task.MaxValue;
            task.StopTask();
            owner.console.WriteLine(clock.End(well, summary));
        }
    }

    private sealed class StateColumn(ConcurrentDictionary<int, StageClock> clocks) : ProgressColumn
    {
        protected override bool NoWrap => true;

        // A narrow terminal loses the end of it, which is the least important part.
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
        {
            var state = !clocks.TryGetValue(task.Id, out var clock) ? "" : clock.Total is null ? $"{clock.Count()}, {clock.State()}" : clock.State();
            return new Text(state.TrimEnd(' ', ',')) { Overflow = Overflow.Ellipsis };
        }
    }
}
