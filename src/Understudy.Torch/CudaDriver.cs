using System.Runtime.InteropServices;

namespace Understudy.Torch;

/// <summary>The functions of NVIDIA's driver that say how much memory there is (CUDA Driver API, Context Management and Memory Management).</summary>
internal static partial class CudaDriver
{
    private const string Library = "libcuda.so.1";

    [LibraryImport(Library)]
    internal static partial int cuInit(uint flags);

    [LibraryImport(Library)]
    internal static partial int cuDeviceGet(out int device, int ordinal);

    [LibraryImport(Library)]
    internal static partial int cuDevicePrimaryCtxRetain(out nint context, int device);

    [LibraryImport(Library)]
    internal static partial int cuDevicePrimaryCtxRelease_v2(int device);

    [LibraryImport(Library)]
    internal static partial int cuCtxPushCurrent_v2(nint context);

    [LibraryImport(Library)]
    internal static partial int cuCtxPopCurrent_v2(out nint context);

    [LibraryImport(Library)]
    internal static partial int cuMemGetInfo_v2(out nuint free, out nuint total);
}
