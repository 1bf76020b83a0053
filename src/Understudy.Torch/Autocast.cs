namespace Understudy.Torch;

/// <summary>Mixed precision on this thread until disposed: see <see cref="torch.autocast"/>. TorchSharp has no CPU autocast.</summary>
public sealed class Autocast : IDisposable
{
    private readonly DeviceType device;
    private readonly ScalarType dtype;
    private readonly int previous;
    private bool disposed;

    internal Autocast(DeviceType device, bool enabled, ScalarType dtype)
    {
        this.device = device;
        this.dtype = dtype;
        previous = Native.understudy_autocast_enter((int)device, enabled ? 1 : 0, (int)dtype);
        Native.Check(previous);
    }

    /// <summary>Restores what was set before, and forgets the 16-bit copies of the weights when this was the outermost one.</summary>
    public void Dispose()
    {
        if (!disposed)
        {
            disposed = true;
            Native.Check(Native.understudy_autocast_exit((int)device, previous, (int)dtype));
        }
    }
}
