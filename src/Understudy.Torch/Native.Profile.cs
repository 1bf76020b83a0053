using System.Runtime.InteropServices;

namespace Understudy.Torch;

internal static partial class Native
{
    [LibraryImport(Library)]
    internal static partial int understudy_profile_start();

    [LibraryImport(Library)]
    internal static partial nint understudy_profile_stop();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial void understudy_profile_enter(string name, int backward);

    [LibraryImport(Library)]
    internal static partial void understudy_profile_exit();
}
