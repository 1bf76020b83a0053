using System.Diagnostics;
using Understudy.Recipes;

namespace Understudy.Cli;

/// <summary>Benchmarks in processes of their own: the peak memory of one is then that of what it measured, and another build can be measured as well.</summary>
internal static class BenchProcess
{
    // A process says more than its last words only when asked to.
    private const int LastWords = 600;

    /// <summary>This program: an executable, or a <c>.dll</c> that <c>dotnet</c> starts.</summary>
    public static string ThisProgram { get; } = IsHost(Environment.ProcessPath) ? typeof(BenchProcess).Assembly.Location : Environment.ProcessPath!;

    /// <summary>The other program to measure with; null for none.</summary>
    /// <param name="asked">The program that was asked for; null to look for the one of the earlier measurement.</param>
    /// <param name="earlier">The earlier measurement.</param>
    /// <param name="error">Told where a program is there and is not run.</param>
    /// <exception cref="InvalidDataException">There is no such program.</exception>
    public static string? Other(string? asked, BenchReport? earlier, TextWriter error)
    {
        if (asked is not null)
            return File.Exists(asked) ? asked : throw new InvalidDataException($"--against-program: there is no file '{asked}'. Name the executable of a build of Understudy, or its Understudy.Cli.dll.");
        if (earlier?.Program is not { } program || !File.Exists(program.Path))
            return null;
        if (program.Build == BenchProgram.BuildAt(AppContext.BaseDirectory))
            return null;
        if (BenchProgram.BuildAt(Path.GetDirectoryName(program.Path)!) == program.Build)
            return program.Path;
        error.WriteLine($"'{program.Path}' has been built anew since it measured, so what it measured is compared and it is not run. --against-program names a program to run in turns with this one.");
        return null;
    }

    /// <summary>Runs <c>bench</c> and reads what it measured.</summary>
    /// <param name="program">An executable, or a <c>.dll</c>.</param>
    /// <param name="args">What stands after <c>bench</c>, without <c>--json</c>.</param>
    /// <param name="stop">Ends the process.</param>
    /// <exception cref="InvalidDataException">The program cannot be started, or did not come to its end.</exception>
    public static BenchReport Run(string program, IEnumerable<string> args, CancellationToken stop)
    {
        var assembly = program.EndsWith(".dll", StringComparison.Ordinal);
        var start = new ProcessStartInfo(assembly ? (IsHost(Environment.ProcessPath) ? Environment.ProcessPath! : "dotnet") : program)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        foreach (var argument in (string[])[.. assembly ? [program] : Array.Empty<string>(), "bench", .. args, "--json", "-"])
            start.ArgumentList.Add(argument);
        using var process = Start(start, program);
        using var killed = stop.Register(() => process.Kill(entireProcessTree: true));
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        stop.ThrowIfCancellationRequested();
        if (process.ExitCode == 0)
            return BenchReport.Parse(output, program);
        var words = error.Result.Trim();
        throw new InvalidDataException($"'{program} bench' ended with exit code {process.ExitCode}{(process.ExitCode == 137 ? ", as a process does that has asked for more memory than there is" : "")}: {(words.Length > LastWords ? "..." + words[^LastWords..] : words)}");
    }

    private static Process Start(ProcessStartInfo start, string program)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidDataException($"'{program}' cannot be started: {e.Message}. Name the executable of a build of Understudy, or its Understudy.Cli.dll.", e);
        }
    }

    private static bool IsHost(string? path) => Path.GetFileNameWithoutExtension(path) is null or "dotnet" or "testhost";
}
