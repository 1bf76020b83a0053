using System.Runtime.InteropServices;

namespace Understudy.Models;

/// <summary>The pages of a mapped file that lie in this process's memory.</summary>
internal static partial class MappedPages
{
    private const int DontNeed = 4;

    /// <summary>Gives back the pages of a part of a read-only mapping: they are read from the file again when somebody looks. Without it a process that has copied a checkpoint's tensors holds all of them twice.</summary>
    /// <param name="address">First byte.</param>
    /// <param name="length">Bytes; the pages that they begin and end in are given back whole.</param>
    internal static void GiveBack(nint address, long length)
    {
        if (!OperatingSystem.IsLinux() || length <= 0) return;
        var page = (nint)Environment.SystemPageSize;
        var begin = address / page * page;
        // A refusal costs memory and nothing else.
        _ = Advise(begin, (nuint)(address + (nint)length - begin), DontNeed);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);
}
