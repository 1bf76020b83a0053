using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Understudy.Torch;

/// <summary>Finds and loads the native library; the imports are in the other parts of this class.</summary>
internal static partial class Native
{
    internal const string Library = "understudy_native";

    private const string FileName = "libunderstudy_native.so";

    static Native()
    {
        NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, Resolve);
    }

    /// <summary>Where the library is looked for, best first.</summary>
    internal static IEnumerable<string> Candidates()
    {
        if (Environment.GetEnvironmentVariable("UNDERSTUDY_NATIVE") is { Length: > 0 } named)
        {
            yield return Directory.Exists(named) ? Path.Combine(named, FileName) : named;
            yield break;
        }

        yield return Path.Combine(AppContext.BaseDirectory, FileName);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            yield return Path.Combine(folder.FullName, ".build", "native", FileName);
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library)
        {
            return 0;
        }

        foreach (var candidate in Candidates())
        {
            if (!File.Exists(candidate))
            {
                continue;
            }

            try
            {
                ChooseKernels();
                return NativeLibrary.Load(candidate);
            }
            catch (DllNotFoundException error)
            {
                throw new TorchException($"{candidate} was found but could not be loaded: {error.Message} Is libtorch installed, and the same one this file was built against? './understudy build' installs it and builds again.", error.ToString());
            }
        }

        throw new TorchException($"The native library {FileName} was not found. Looked for: {string.Join(", ", Candidates())}. Run './understudy build' to build it, or name its folder in UNDERSTUDY_NATIVE.", "");
    }

    /// <summary>Before libtorch brings OpenBLAS in: a release older than the processor takes a kernel for one without AVX-512, at half the rate.</summary>
    private static void ChooseKernels()
    {
        const string Core = "OPENBLAS_CORETYPE";
        if (Avx512F.IsSupported && Environment.GetEnvironmentVariable(Core) is null or "")
        {
            // The runtime keeps an environment of its own, which libraries written in C do not see.
            setenv(Core, "SkylakeX", overwrite: 1);
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    /// <summary>Text of the last failure on this thread as an exception.</summary>
    internal static TorchException Failure() => new(
        Marshal.PtrToStringUTF8(understudy_last_error()) is { Length: > 0 } text ? text : "libtorch failed without a message.",
        Marshal.PtrToStringUTF8(understudy_last_error_details()) ?? "");

    /// <summary>Throws when a status says so.</summary>
    internal static void Check(int status)
    {
        if (status < 0)
        {
            throw Failure();
        }
    }
}
