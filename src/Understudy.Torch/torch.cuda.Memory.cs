namespace Understudy.Torch;

/// <content>Memory of a GPU, from its driver.</content>
public static partial class torch
{
    public static partial class cuda
    {
        /// <summary>Free and total memory of a GPU in bytes, whoever uses it; null where the driver does not say.</summary>
        /// <param name="device">A GPU.</param>
        /// <remarks>libtorch keeps what it freed for its next tensors, so what is missing after a computation is what it took at its peak.</remarks>
        public static (long Free, long Total)? mem_get_info(Device device)
        {
            ArgumentNullException.ThrowIfNull(device);
            try
            {
                // The context that libtorch computes in; retaining it a second time makes no other.
                if (CudaDriver.cuInit(0) != 0 || CudaDriver.cuDeviceGet(out var number, device.index) != 0 || CudaDriver.cuDevicePrimaryCtxRetain(out var context, number) != 0)
                {
                    return null;
                }

                var pushed = CudaDriver.cuCtxPushCurrent_v2(context) == 0;
                try
                {
                    return pushed && CudaDriver.cuMemGetInfo_v2(out var free, out var total) == 0 ? ((long)free, (long)total) : null;
                }
                finally
                {
                    if (pushed) _ = CudaDriver.cuCtxPopCurrent_v2(out _);
                    _ = CudaDriver.cuDevicePrimaryCtxRelease_v2(number);
                }
            }
            catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
            {
                return null;
            }
        }
    }
}
