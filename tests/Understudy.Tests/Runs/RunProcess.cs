using System.Diagnostics;

namespace Understudy.Tests.Runs;

/// <summary>The program in a process of its own: it can be killed, and what it says is what a user reads.</summary>
internal sealed class RunProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private readonly Process process;
    private readonly Task<string> output;
    private readonly Task<string> error;

    private RunProcess(Process process)
    {
        this.process = process;
        process.StandardInput.Close();
        output = process.StandardOutput.ReadToEndAsync();
        error = process.StandardError.ReadToEndAsync();
    }

    public int Id => process.Id;

    public bool HasEnded => process.HasExited;

    /// <summary>Starts the program beside the tests with these arguments.</summary>
    public static RunProcess Start(string folder, params IEnumerable<string> arguments) => StartBehind([], folder, arguments);

    /// <summary>Starts it behind another command, as in <c>nsenter ... dotnet Understudy.Cli.dll ...</c>.</summary>
    public static RunProcess StartBehind(IReadOnlyList<string> command, string folder, params IEnumerable<string> arguments)
    {
        string[] line = [.. command, Host(), Path.Combine(AppContext.BaseDirectory, "Understudy.Cli.dll"), .. arguments];
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new RunProcess(Process.Start(start)!);
    }

    /// <summary>SIGKILL: nothing of the process runs any more, no handler and no finally.</summary>
    public void Kill() => process.Kill();

    /// <summary>SIGSTOP: the process keeps what it holds and does nothing.</summary>
    public void Freeze() => Process.Start("kill", ["-STOP", $"{Id}"]).WaitForExit();

    public (int Exit, string Output, string Error) Wait()
    {
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            throw new TimeoutException($"The program has not ended within {Patience}. It said: {error.Result}");
        }

        process.WaitForExit();
        return (process.ExitCode, output.Result, error.Result);
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill();
        process.Dispose();
    }

    // The tests themselves run under the host that can run the program, unless an IDE has a host of its own.
    private static string Host() =>
        Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path
            : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } named ? named
            : "dotnet";
}
