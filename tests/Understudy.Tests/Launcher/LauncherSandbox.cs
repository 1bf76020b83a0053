using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Understudy.Tests.Launcher;

/// <summary>
/// A copy of the launcher in a folder of its own, with stand-ins for dotnet, cmake and apt-get that write down how they were
/// called, and no other tool of this machine in reach than those of a bare system.
/// </summary>
public sealed partial class LauncherSandbox : IDisposable
{
    private static readonly string[] SystemTools =
    [
        "awk", "bash", "cat", "chmod", "cp", "cut", "dirname", "env", "find", "flock", "grep", "mkdir", "mv", "nproc", "readlink",
        "rm", "sed", "sha256sum", "sleep", "sort", "stat", "tail", "tee", "touch", "tr", "uname", "wc", "xargs",
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("understudy launcher ").FullName;

    public LauncherSandbox()
    {
        Directory.CreateDirectory(Tools);
        foreach (var tool in SystemTools) File.CreateSymbolicLink(Path.Combine(Tools, tool), FindOnPath(tool));

        var repository = Repository.Root;
        Directory.CreateDirectory(Path.Combine(Project, "launcher"));
        File.Copy(Path.Combine(repository, "understudy"), Launcher);
        foreach (var file in Directory.GetFiles(Path.Combine(repository, "launcher")))
            File.Copy(file, Path.Combine(Project, "launcher", Path.GetFileName(file)));
        Write("native/tensor.cpp", "// tensor");
        Write("src/Understudy.Cli/Program.cs", "// program");
        Write("src/Understudy/Recipe.cs", "// recipe");
        Write("tests/Understudy.Tests/Tests.cs", "// tests");
        Write("../libtorch/share/cmake/Torch/TorchConfig.cmake", "");
        Write("../libtorch/lib/libtorch_cpu.so", "");
        Write("../headers/dnnl.hpp", "");

        AddTool("id", "echo 0");
        AddTool("c++", "");
        AddTool("make", "");
        AddTool("apt-cache", "");
        AddTool("apt-get", """
            [ "$(cat)" = "" ] || echo "standard input is not empty" >>"$FAKE_CALLS"
            echo "apt-get $*" >>"$FAKE_CALLS"
            [ -z "${FAKE_MIRROR_DOWN:-}" ] || { echo "E: the mirror is down"; exit 100; }
            if [[ $* == *install* ]]; then mv "$FAKE_STORE"/* "$FAKE_TOOLS"; fi
            """);
        AddTool("cmake", """
            echo "cmake $1" >>"$FAKE_CALLS"
            if [ "$1" = -S ]; then echo "-- libtorch 2.6.0 (CPU) in /libtorch"; exit; fi
            [ -z "${FAKE_COMPILE_ERROR:-}" ] || { printf '%s\n' "$FAKE_COMPILE_ERROR"; exit 2; }
            echo library >"$2/libunderstudy_native.so"
            """);
        Directory.CreateDirectory(Path.Combine(Tools, "sdk", "10.0.100"));
        AddTool("dotnet", """
            [[ $1 == *.dll ]] || echo "dotnet $1" >>"$FAKE_CALLS"
            case $1 in
                restore) [ -z "${FAKE_RESTORE_ERROR:-}" ] || { printf '%s\n' "$FAKE_RESTORE_ERROR"; exit 1; } ;;
                build) touch "$FAKE_CALLS.building"; sleep "${FAKE_BUILD_SECONDS:-0}" ;;
                publish)
                    while [ "$1" != -o ]; do shift; done
                    mkdir -p "$2"
                    touch "$2/Understudy.Cli.dll" "$2/Understudy.Cli.runtimeconfig.json" ;;
                test)
                    while [ "$1" != --results-directory ]; do shift; done
                    [ -z "${FAKE_RESULTS:-}" ] || printf '%s' "$FAKE_RESULTS" >"$2/results.trx"
                    [ -z "${FAKE_SEQUENCE:-}" ] || { mkdir "$2/run"; printf '%s' "$FAKE_SEQUENCE" >"$2/run/Sequence_1.xml"; }
                    exit "${FAKE_TEST_STATUS:-0}" ;;
                *.dll)
                    shift
                    printf '%s\n' "$PWD" "$@"
                    [ -z "${FAKE_PROGRAM_READS:-}" ] || cat || echo "standard input is closed"
                    sleep "${FAKE_PROGRAM_SECONDS:-0}"
                    exit "${FAKE_PROGRAM_STATUS:-0}" ;;
            esac
            """);
    }

    /// <summary>The project's folder; its name has a space in it.</summary>
    public string Project => Path.Combine(folder, "the project");

    public string Launcher => Path.Combine(Project, "understudy");

    /// <summary>Where the headers of oneDNN are looked for.</summary>
    public string Headers => Path.Combine(folder, "headers");

    /// <summary>A folder with the layout of an unpacked libtorch.</summary>
    public string Libtorch => Path.Combine(folder, "libtorch");

    /// <summary>The only folder of the launcher's PATH.</summary>
    public string Tools => Path.Combine(folder, "tools");

    /// <summary>Where apt-get finds what it installs.</summary>
    public string Store => Path.Combine(folder, "store");

    /// <summary>The folders of the programs built so far.</summary>
    public string[] Programs => Directory.GetDirectories(Path.Combine(Project, ".build", "program"));

    /// <summary>How the stand-ins were called since the last time this was asked, one line per call.</summary>
    public string[] TakeCalls()
    {
        var calls = File.Exists(CallsFile) ? File.ReadAllLines(CallsFile) : [];
        File.Delete(CallsFile);
        return calls;
    }

    public bool IsBuilding => File.Exists(CallsFile + ".building");

    private string CallsFile => Path.Combine(folder, "calls");

    public void Write(string path, string text)
    {
        var file = Path.GetFullPath(Path.Combine(Project, path));
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    /// <summary>Moves a tool to where only apt-get finds it.</summary>
    public void Uninstall(string tool)
    {
        Directory.CreateDirectory(Store);
        File.Move(Path.Combine(Tools, tool), Path.Combine(Store, tool));
    }

    /// <summary>What the launcher did: its exit code, its standard output, and its standard error with every duration as <c>N s</c>.</summary>
    public (int ExitCode, string Output, string Error) Run(string[] arguments, params (string Name, string Value)[] environment)
    {
        using var process = Start(arguments, environment);
        return Finish(process);
    }

    public static (int ExitCode, string Output, string Error) Finish(Process process)
    {
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, Duration().Replace(error.Result, "N s"));
    }

    /// <summary>Starts the launcher in a folder that is not the project's. A value of <c>""</c> unsets a variable.</summary>
    public Process Start(string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Launcher, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = Tools;
        start.Environment["HOME"] = folder;
        start.Environment["LIBTORCH"] = Libtorch;
        start.Environment["CMAKE_INCLUDE_PATH"] = Headers;
        start.Environment["FAKE_CALLS"] = CallsFile;
        start.Environment["FAKE_STORE"] = Store;
        start.Environment["FAKE_TOOLS"] = Tools;
        foreach (var (name, value) in environment)
        {
            if (value.Length == 0) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void AddTool(string name, string script)
    {
        var file = Path.Combine(Tools, name);
        File.WriteAllText(file, $"#!/usr/bin/env bash\n{script}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, (UnixFileMode)0b111_101_101);
    }

    private static string FindOnPath(string tool) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(place => Path.Combine(place, tool)).First(File.Exists);

    [GeneratedRegex(@"[0-9]+\.[0-9] s$", RegexOptions.Multiline)]
    private static partial Regex Duration();
}
