using Spectre.Console;
using Understudy.Runs;

namespace Understudy.Cli;

/// <summary>Chooses how progress is shown: bars when standard error is a terminal, lines otherwise.</summary>
internal static class RunScreen
{
    /// <summary>Runs <paramref name="body"/> on this thread with a way to show its progress.</summary>
    public static T Show<T>(TextWriter error, Func<IRunProgress, T> body)
    {
        if (Console.IsErrorRedirected || Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb")
            return body(new LineProgress(error, TimeProvider.System));
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
        return BarProgress.Run(console, TimeProvider.System, body);
    }
}
