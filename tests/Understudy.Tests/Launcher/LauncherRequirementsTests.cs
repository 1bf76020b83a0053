namespace Understudy.Tests.Launcher;

public sealed class LauncherRequirementsTests : IDisposable
{
    private readonly LauncherSandbox sandbox = new();

    public void Dispose() => sandbox.Dispose();

    [Fact]
    public void A_LIBTORCH_that_is_no_folder_is_refused()
    {
        var result = sandbox.Run(["run"], ("LIBTORCH", "/no/such/folder"));
        Assert.Equal((2, "", """
            understudy: LIBTORCH is '/no/such/folder', and there is no such folder. Set it to an unpacked libtorch, or unset it to use the system's libtorch-dev.

            """), result);
    }

    [Fact]
    public void A_LIBTORCH_without_libtorch_is_refused_with_the_folder_that_was_meant()
    {
        sandbox.Write("../venv/lib/python3.12/site-packages/torch/share/cmake/Torch/TorchConfig.cmake", "");
        var venv = Path.GetFullPath(Path.Combine(sandbox.Libtorch, "../venv"));
        var result = sandbox.Run(["run"], ("LIBTORCH", venv));
        Assert.Equal((2, "", $"""
            understudy: LIBTORCH is '{venv}', but that folder holds no share/cmake/Torch/TorchConfig.cmake. Did you mean '{venv}/lib/python3.12/site-packages/torch'? Set it to an unpacked libtorch, or to what python3 -c 'import torch; print(torch.__path__[0])' prints.

            """), result);
        Assert.Empty(sandbox.TakeCalls());
    }

    [Fact]
    public void A_relative_LIBTORCH_counts_from_where_the_user_is() =>
        Assert.Equal(0, sandbox.Run(["run"], ("LIBTORCH", "libtorch")).ExitCode);

    [Fact]
    public void Installs_what_is_missing()
    {
        sandbox.Uninstall("cmake");
        sandbox.Uninstall("make");
        var (code, _, error) = sandbox.Run(["run"]);
        Assert.Equal(0, code);
        Assert.StartsWith("understudy: Installing cmake make ... N s\n", error, StringComparison.Ordinal);
        Assert.Equal(
            ["apt-get -o DPkg::Lock::Timeout=300 -q update", "apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends cmake make"],
            sandbox.TakeCalls().Take(2));
    }

    [Fact]
    public void Goes_on_without_the_headers_of_oneDNN_and_says_what_that_costs()
    {
        var (code, _, error) = sandbox.Run(["run"], ("CMAKE_INCLUDE_PATH", sandbox.Tools), ("UNDERSTUDY_NO_INSTALL", "1"));
        Assert.Equal(0, code);
        Assert.StartsWith("understudy: warning: oneDNN's headers (libdnnl-dev) are not there: training works, and takes up to twice as long. Install libdnnl-dev, then run the same command again.\n", error, StringComparison.Ordinal);
        Assert.DoesNotContain(sandbox.TakeCalls(), call => call.StartsWith("apt-get", StringComparison.Ordinal));
    }

    [Fact]
    public void Installs_the_headers_of_oneDNN_and_builds_again_once_they_are_there()
    {
        Assert.Equal(0, sandbox.Run(["run"], ("CMAKE_INCLUDE_PATH", sandbox.Tools)).ExitCode);
        Assert.Contains("apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends libdnnl-dev", sandbox.TakeCalls());
        sandbox.Run(["run"]);
        Assert.Contains("cmake -S", sandbox.TakeCalls());
    }

    [Fact]
    public void Installs_nothing_when_told_so()
    {
        sandbox.Uninstall("cmake");
        sandbox.Uninstall("c++");
        var result = sandbox.Run(["run"], ("UNDERSTUDY_NO_INSTALL", "1"));
        Assert.Equal((3, "", """
            understudy: missing: CMake, a C++ compiler. Please install:
                sudo apt-get update && sudo apt-get install -y cmake g++
            understudy: Then run the same command again.

            """), result);
        Assert.Empty(sandbox.TakeCalls());
    }

    [Fact]
    public void A_mirror_that_is_down_ends_in_instructions()
    {
        sandbox.Uninstall("cmake");
        var (code, _, error) = sandbox.Run(["run"], ("FAKE_MIRROR_DOWN", "1"));
        Assert.Equal(3, code);
        Assert.EndsWith("""
                E: the mirror is down
                E: the mirror is down
            understudy: missing: CMake. Please install:
                sudo apt-get update && sudo apt-get install -y cmake
            understudy: Then run the same command again.

            """, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_system_without_apt_is_told_what_to_install()
    {
        sandbox.Uninstall("apt-get");
        sandbox.Uninstall("cmake");
        var (code, _, error) = sandbox.Run(["run"]);
        Assert.Equal(3, code);
        Assert.StartsWith("understudy: missing: CMake. Please install:\n    ", error, StringComparison.Ordinal);
        Assert.Contains("make", error.Split('\n')[1], StringComparison.Ordinal);
        Assert.EndsWith("understudy: Then run the same command again.\n", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_native_library_that_is_named_is_not_built()
    {
        sandbox.Uninstall("cmake");
        sandbox.Write("../own.so", "own");
        var own = Path.Combine(sandbox.Libtorch, "../own.so");
        Assert.Equal(0, sandbox.Run(["run"], ("UNDERSTUDY_NATIVE", own), ("LIBTORCH", "")).ExitCode);
        Assert.Equal(["dotnet restore", "dotnet build", "dotnet publish"], sandbox.TakeCalls());
        Assert.False(File.Exists(Path.Combine(sandbox.Programs[0], "libunderstudy_native.so")));
    }

    [Fact]
    public void A_native_library_that_is_named_must_exist() =>
        Assert.Equal((2, "", """
            understudy: UNDERSTUDY_NATIVE is '/no/such.so', and there is no such file or folder. Set it to a libunderstudy_native.so or to the folder that holds it, or unset it to have it built.

            """), sandbox.Run(["run"], ("UNDERSTUDY_NATIVE", "/no/such.so")));

    [Fact]
    public void Help_names_every_environment_variable_and_builds_nothing()
    {
        var (code, output, error) = sandbox.Run(["--help"]);
        Assert.Equal((0, ""), (code, error));
        Assert.All(["LIBTORCH", "UNDERSTUDY_NO_INSTALL", "UNDERSTUDY_JOBS", "UNDERSTUDY_NATIVE", "UNDERSTUDY_MODELS", "UNDERSTUDY_SHARED"],
            name => Assert.Contains($"\n  {name}", output, StringComparison.Ordinal));
        Assert.EndsWith("once the program is built: ./understudy build\n", output, StringComparison.Ordinal);
        Assert.Empty(sandbox.TakeCalls());
        Assert.Equal(output, sandbox.Run([]).Output);

        sandbox.Run(["build"]);
        Assert.EndsWith("The program:\n\n" + Path.GetDirectoryName(sandbox.Project) + "\n--help\n", sandbox.Run([]).Output, StringComparison.Ordinal);
    }
}
