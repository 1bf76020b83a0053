using Spectre.Console;
using Understudy.Runs;

namespace Understudy.Cli;

/// <summary>Chooses how progress is shown: bars when standard error is a terminal with room for them, lines otherwise.</summary>
internal static class RunScreen
{
    /// <summary>Runs <paramref name="body"/> on this thread with a way to show its progress.</summary>
    public static T Show<T>(TextWriter error, Func<IRunProgress, T> body)
    {
        if (Console.IsErrorRedirected || Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb")
            return body(new LineProgress(error, TimeProvider.System));
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
        if (!HasRoom(console))
            return body(new LineProgress(error, TimeProvider.System));
        return BarProgress.Run(console, TimeProvider.System, body);
    }

    // Pseudo-terminals of containers and scripts may say that they have no rows; drawing into those throws, on a thread of
    // Spectre's own, which would end the process and the run with it.
    internal static bool HasRoom(IAnsiConsole console) => console.Profile is { Height: >= 4, Width: >= 40 };
}
