using System.Globalization;

namespace Understudy.Cli;

/// <summary>How fast a stage goes and how long it has left.</summary>
internal sealed class StageClock(string name, long? total, string unit, TimeProvider time)
{
    private readonly long started = time.GetTimestamp();

    // A stage that continues first tells what was done before: its rate counts from there.
    private (long Done, TimeSpan At)? first;

    public string Name { get; } = name;

    public long? Total { get; } = total;

    public long Done { get; private set; }

    public double? Loss { get; private set; }

    public string Detail { get; private set; } = "";

    public TimeSpan Elapsed => time.GetElapsedTime(started);

    /// <summary>From 0 to 1; null when the total is not known.</summary>
    public double? Share => Total is > 0 and var all ? Math.Min(1, Done / (double)all) : null;

    public void Advance(long count, double? loss, string? detail)
    {
        Done += count;
        first ??= (Done, Elapsed);
        Loss = loss ?? Loss;
        Detail = detail ?? Detail;
    }

    /// <summary>Rate, loss, remaining time and detail, as far as there are any: <c>3.2 steps/s, loss 1.234, 2:05 left, epoch 2</c>.</summary>
    public string State()
    {
        var parts = new List<string>();
        var (before, since) = first ?? default;
        var (done, seconds) = (Done - before, (Elapsed - since).TotalSeconds);
        if (done > 0 && seconds > 0)
            parts.Add($"{Rounded(done / seconds)} {unit}/s");
        if (Loss is { } loss)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"loss {loss:0.0000}"));
        if (done > 0 && Total > Done && seconds > 0)
            parts.Add($"{Duration(TimeSpan.FromSeconds(Math.Round(Math.Min(seconds / done * (Total.Value - Done), 1e8))))} left");
        if (Detail.Length > 0)
            parts.Add(Detail);
        return string.Join(", ", parts);
    }

    /// <summary><c>120/2400 steps</c>, or <c>120 steps</c> when the total is not known.</summary>
    public string Count() => Total is { } all ? $"{Done}/{all} {unit}" : $"{Done} {unit}";

    /// <summary>The line for the end: <c>tune teacher: 2400 steps in 12:31, loss 0.4210. accuracy 61%</c>.</summary>
    public string End(bool well, string summary)
    {
        if (well && Done == 0)
            return $"{Name}: {(summary.Length > 0 ? summary : "done")} in {Duration(Elapsed)}";
        var loss = Loss is { } last ? string.Create(CultureInfo.InvariantCulture, $", loss {last:0.0000}") : "";
        return $"{Name}: {(well ? "" : "stopped after ")}{Done} {unit} in {Duration(Elapsed)}{loss}{(summary.Length > 0 ? $". {summary}" : "")}";
    }

    public static string Duration(TimeSpan span) =>
        span.TotalHours >= 1
            ? $"{(long)span.TotalHours}:{span.Minutes:00}:{span.Seconds:00}"
            : $"{span.Minutes}:{span.Seconds:00}";

    private static string Rounded(double rate) => rate.ToString(rate switch { >= 100 => "0", >= 10 => "0.0", _ => "0.00" }, CultureInfo.InvariantCulture);
}
