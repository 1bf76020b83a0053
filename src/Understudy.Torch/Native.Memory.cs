using System.Runtime.InteropServices;

namespace Understudy.Torch;

internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial void understudy_empty_cache();
}
