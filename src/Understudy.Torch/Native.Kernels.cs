using System.Runtime.InteropServices;

namespace Understudy.Torch;

internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial int understudy_isa();

    [LibraryImport(Library)]
    internal static partial void understudy_set_isa(int wanted);
}
