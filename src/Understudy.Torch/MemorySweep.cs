namespace Understudy.Torch;

/// <summary>Memory that is read from its beginning to its end, to find the rate at which the machine reads: the bound of whatever reads each of its weights once. TorchSharp has no such thing.</summary>
public sealed class MemorySweep : IDisposable
{
    private readonly SweepHandle handle;

    /// <summary>Takes the memory, in huge pages where the system has them, and fills it.</summary>
    /// <param name="bytes">At least 65,536, of which whole multiples are read; several times what the processor's caches hold, or the caches are measured.</param>
    /// <exception cref="TorchException">Too few, or more than there are.</exception>
    public MemorySweep(long bytes)
    {
        handle = Native.understudy_sweep_new(bytes);
        if (handle.IsInvalid) Native.Check(-1);
    }

    /// <summary>Reads all of it once, with as many threads as <see cref="torch.get_num_threads"/>.</summary>
    /// <returns>Bytes a second.</returns>
    public double Rate()
    {
        Native.Check(Native.understudy_sweep_run(handle, out var bytes, out var seconds));
        return bytes / seconds;
    }

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();
}
