using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Understudy.Tests.Launcher;

public sealed partial class LauncherBuildTests : IDisposable
{
    private const string Steps = """
        understudy: Configuring the native library ... N s
        understudy: Compiling the native library (libtorch 2.6.0 (CPU)) ... N s
        understudy: Restoring packages for the program ... N s
        understudy: Building the program ... N s
        understudy: Publishing the program ... N s

        """;

    private static readonly string[] WholeBuild = ["cmake -S", "cmake --build", "dotnet restore", "dotnet build", "dotnet publish"];
    private static readonly string[] ManagedBuild = ["dotnet restore", "dotnet build", "dotnet publish"];

    private readonly LauncherSandbox sandbox = new();

    public void Dispose() => sandbox.Dispose();

    [Fact]
    public void Builds_once_and_starts_at_once_afterwards()
    {
        var first = sandbox.Run(["run", "a b.yaml"], ("FAKE_PROGRAM_STATUS", "7"));
        Assert.Equal((7, $"{Path.GetDirectoryName(sandbox.Project)}\nrun\na b.yaml\n", Steps), first);
        Assert.Equal(WholeBuild, sandbox.TakeCalls());

        var second = sandbox.Run(["run", "a b.yaml"]);
        Assert.Equal((0, $"{Path.GetDirectoryName(sandbox.Project)}\nrun\na b.yaml\n", ""), second);
        Assert.Empty(sandbox.TakeCalls());
        Assert.True(File.Exists(Path.Combine(sandbox.Programs[0], "libunderstudy_native.so")));
    }

    [Fact]
    public void Works_through_a_symbolic_link()
    {
        var link = Path.Combine(sandbox.Tools, "understudy");
        File.CreateSymbolicLink(link, Path.Combine("..", Path.GetFileName(sandbox.Project), "understudy"));
        using var process = sandbox.Start(["build"]);
        Assert.Equal(0, LauncherSandbox.Finish(process).ExitCode);

        var start = new ProcessStartInfo(link, ["hello"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LIBTORCH"] = sandbox.Libtorch;
        start.Environment["CMAKE_INCLUDE_PATH"] = sandbox.Headers;
        start.Environment["PATH"] = sandbox.Tools;
        start.Environment.Remove("DOTNET_ROOT");
        using var linked = Process.Start(start)!;
        var (code, output, error) = LauncherSandbox.Finish(linked);
        Assert.Equal((0, ""), (code, error));
        Assert.EndsWith("hello\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_closed_standard_input_is_an_empty_one()
    {
        Assert.Equal(0, sandbox.Run(["build"]).ExitCode);
        var start = new ProcessStartInfo("bash", ["-c", "exec \"$0\" hello <&-", sandbox.Launcher]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LIBTORCH"] = sandbox.Libtorch;
        start.Environment["CMAKE_INCLUDE_PATH"] = sandbox.Headers;
        start.Environment["PATH"] = sandbox.Tools;
        start.Environment["FAKE_PROGRAM_READS"] = "1";
        start.Environment.Remove("DOTNET_ROOT");
        using var process = Process.Start(start)!;
        var (code, output, error) = LauncherSandbox.Finish(process);
        Assert.Equal((0, ""), (code, error));
        Assert.EndsWith("\nhello\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_a_new_and_a_deleted_source_file_each_build_again()
    {
        sandbox.Run(["build"]);
        sandbox.TakeCalls();

        sandbox.Write("src/Understudy/Recipe.cs", "// changed");
        sandbox.Run(["build"]);
        Assert.Equal(ManagedBuild, sandbox.TakeCalls());

        sandbox.Write("src/Understudy/New.cs", "// new");
        sandbox.Run(["build"]);
        Assert.Equal(ManagedBuild, sandbox.TakeCalls());

        File.Delete(Path.Combine(sandbox.Project, "src/Understudy/New.cs"));
        File.Delete(Path.Combine(sandbox.Project, "src/Understudy/Recipe.cs"));
        sandbox.Run(["build"]);
        Assert.Equal(ManagedBuild, sandbox.TakeCalls());

        sandbox.Write("native/tensor.cpp", "// changed");
        sandbox.Run(["build"]);
        Assert.Equal(WholeBuild, sandbox.TakeCalls());
    }

    [Fact]
    public void What_a_build_leaves_beside_the_sources_and_the_tests_do_not_count()
    {
        sandbox.Run(["build"]);
        sandbox.TakeCalls();
        sandbox.Write("src/Understudy/obj/Generated.cs", "// generated");
        sandbox.Write("src/Understudy/bin/Release/Understudy.dll", "");
        sandbox.Write("tests/Understudy.Tests/Tests.cs", "// changed");
        sandbox.Run(["build"]);
        Assert.Empty(sandbox.TakeCalls());
    }

    [Fact]
    public void Another_SDK_or_another_libtorch_builds_again()
    {
        sandbox.Run(["build"]);
        sandbox.TakeCalls();

        Directory.CreateDirectory(Path.Combine(sandbox.Tools, "sdk", "10.0.200"));
        sandbox.Run(["build"]);
        Assert.Equal(ManagedBuild, sandbox.TakeCalls());

        sandbox.Write("../other/share/cmake/Torch/TorchConfig.cmake", "");
        sandbox.Write(".build/native/CMakeCache.txt", "the old libtorch");
        sandbox.Run(["build"], ("LIBTORCH", Path.Combine(sandbox.Libtorch, "../other")));
        Assert.Equal(WholeBuild, sandbox.TakeCalls());
        Assert.False(File.Exists(Path.Combine(sandbox.Project, ".build/native/CMakeCache.txt")));
    }

    [Fact]
    public void A_failed_build_shows_the_end_of_the_log_and_is_tried_again()
    {
        var (code, output, error) = sandbox.Run(["run"], ("FAKE_COMPILE_ERROR", "tensor.cpp:1:1: error: expected unqualified-id"));
        Assert.Equal(1, code);
        Assert.Equal("", output);
        Assert.Equal($"""
            understudy: Configuring the native library ... N s
            understudy: Compiling the native library (libtorch 2.6.0 (CPU)) ... failed after N s
            understudy: the end of {sandbox.Project}/.build/build.log:
                == Compiling the native library (libtorch 2.6.0 (CPU)): cmake --build {sandbox.Project}/.build/native --parallel N
                tensor.cpp:1:1: error: expected unqualified-id
            understudy: The native library did not build. If libtorch was just updated or removed, delete .build and try again; otherwise please report the log.

            """, Jobs().Replace(error, "--parallel N"));
        sandbox.TakeCalls();

        Assert.Equal(0, sandbox.Run(["run"]).ExitCode);
        Assert.Equal(WholeBuild, sandbox.TakeCalls());
    }

    [Fact]
    public void A_failed_restore_says_what_to_check()
    {
        const string nuget = "error NU1301: Unable to load the service index for source https://example.invalid/v3/index.json.";
        var (code, _, error) = sandbox.Run(["run"], ("FAKE_RESTORE_ERROR", nuget));
        Assert.Equal(1, code);
        Assert.EndsWith($"""
                {nuget}
            understudy: NuGet could not deliver the packages named in Directory.Packages.props. Check the network, a proxy (HTTPS_PROXY) and the sources that "dotnet nuget list source" lists, then run the same command again.

            """, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_build_that_was_killed_is_begun_anew()
    {
        sandbox.Write("src/Understudy/bin/Release/Understudy.dll", "cut off");
        sandbox.Write("tests/Understudy.Tests/obj/Release/Tests.dll", "cut off");
        using (var process = sandbox.Start(["run"], ("FAKE_BUILD_SECONDS", "60")))
        {
            while (!sandbox.IsBuilding) Thread.Sleep(10);
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }

        sandbox.TakeCalls();
        Assert.Equal(0, sandbox.Run(["run"]).ExitCode);
        Assert.Equal(ManagedBuild, sandbox.TakeCalls());
        Assert.False(File.Exists(Path.Combine(sandbox.Project, "src/Understudy/bin/Release/Understudy.dll")));
        Assert.False(File.Exists(Path.Combine(sandbox.Project, "tests/Understudy.Tests/obj/Release/Tests.dll")));
        Assert.Single(sandbox.Programs);
    }

    [Fact]
    public void Two_at_once_build_once()
    {
        using var first = sandbox.Start(["first"], ("FAKE_BUILD_SECONDS", "1"));
        while (!sandbox.IsBuilding) Thread.Sleep(10);
        using var second = sandbox.Start(["second"]);
        var waiting = LauncherSandbox.Finish(second);
        var building = LauncherSandbox.Finish(first);
        Assert.Equal((0, Steps), (building.ExitCode, building.Error));
        Assert.Equal((0, "understudy: waiting for another build in this folder ...\n"), (waiting.ExitCode, waiting.Error));
        Assert.Equal(WholeBuild, sandbox.TakeCalls());
    }

    [Fact]
    public void The_files_of_a_run_under_way_stay_until_it_ends()
    {
        using (var running = sandbox.Start(["run"], ("FAKE_PROGRAM_SECONDS", "60")))
        {
            running.StandardOutput.ReadLine();
            sandbox.Write("src/Understudy/Recipe.cs", "// changed");
            sandbox.Run(["build"]);
            Assert.Equal(2, sandbox.Programs.Length);
            running.Kill(entireProcessTree: true);
            running.WaitForExit();
        }

        sandbox.Write("src/Understudy/Recipe.cs", "// changed again");
        sandbox.Run(["build"]);
        Assert.Single(sandbox.Programs);
    }

    [GeneratedRegex("--parallel [0-9]+")]
    private static partial Regex Jobs();
}
