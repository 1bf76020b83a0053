namespace Understudy.Torch;

/// <summary>Whether operations are recorded for gradients, on this thread, until disposed.</summary>
public sealed class GradMode : IDisposable
{
    private readonly bool previous;
    private bool disposed;

    internal GradMode(bool enabled)
    {
        previous = Native.understudy_set_grad_enabled(enabled ? 1 : 0) != 0;
    }

    /// <summary>Restores what was set before.</summary>
    public void Dispose()
    {
        if (!disposed)
        {
            disposed = true;
            _ = Native.understudy_set_grad_enabled(previous ? 1 : 0);
        }
    }
}
