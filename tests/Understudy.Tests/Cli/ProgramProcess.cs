using System.Diagnostics;

namespace Understudy.Tests.Cli;

/// <summary>The program as a process of its own, for what a process alone has: standard input, pipes, signals.</summary>
internal sealed class ProgramProcess : IDisposable
{
    private readonly Process process;

    public ProgramProcess(params string[] args)
        : this("dotnet", [Path.Combine(AppContext.BaseDirectory, "Understudy.Cli.dll"), .. args])
    {
    }

    private ProgramProcess(string file, IEnumerable<string> args, string folder = "")
    {
        process = new Process
        {
            StartInfo = new ProcessStartInfo(file, args) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder },
        };
        process.StartInfo.Environment["UNDERSTUDY_COMMAND"] = "";
        process.Start();
    }

    public StreamWriter Input => process.StandardInput;

    public StreamReader Output => process.StandardOutput;

    /// <summary>A command line of a shell that knows <c>understudy</c>.</summary>
    public static ProgramProcess Shell(string command, string folder = "") =>
        new("bash", ["-c", $"set -o pipefail; understudy() {{ dotnet '{Path.Combine(AppContext.BaseDirectory, "Understudy.Cli.dll")}' \"$@\"; }}; {command}"], folder);

    /// <summary>Closes the input, and waits for the end.</summary>
    public (int Exit, string Output, string Error) End(byte[]? input = null)
    {
        var error = process.StandardError.ReadToEndAsync();
        var output = Output.ReadToEndAsync();
        try
        {
            process.StandardInput.BaseStream.Write(input ?? []);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended without reading all of it.
        }
        process.WaitForExit();
        return (process.ExitCode, output.Result, error.Result);
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}
