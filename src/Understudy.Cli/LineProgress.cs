using System.Globalization;
using Understudy.Runs;

namespace Understudy.Cli;

/// <summary>Progress as plain lines, for a file or a pipe: after 10 seconds at the earliest, when 5% more is done or a minute has passed.</summary>
internal sealed class LineProgress(TextWriter writer, TimeProvider time) : IRunProgress
{
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(10), Most = TimeSpan.FromMinutes(1);
    private const double Step = 0.05;

    public IStageProgress Start(string name, long? total, string unit) => new Stage(writer, new StageClock(name, total, unit, time));

    public void Note(string text) => writer.WriteLine(TerminalText.Of(text));

    private sealed class Stage(TextWriter writer, StageClock clock) : IStageProgress
    {
        private TimeSpan shown;
        private double shownShare;
        private bool ended;

        public void Advance(long count, double? loss = null, string? detail = null)
        {
            clock.Advance(count, loss, detail);
            var since = clock.Elapsed - shown;
            if (since < Least || (since < Most && clock.Share is { } share && share - shownShare < Step))
                return;
            (shown, shownShare) = (clock.Elapsed, clock.Share ?? 0);
            var percent = clock.Share is { } part ? string.Create(CultureInfo.InvariantCulture, $" ({100 * part:0}%)") : "";
            writer.WriteLine($"{clock.Name}: {clock.Count()}{percent}, {clock.State()}");
        }

        public void Finish(string summary = "") => End(true, summary);

        public void Dispose() => End(false, "");

        private void End(bool well, string summary)
        {
            if (!ended)
                writer.WriteLine(clock.End(well, summary));
            ended = true;
        }
    }
}
