namespace Understudy.Torch;

/// <summary>A stream of random numbers on the CPU, independent of libtorch's own.</summary>
public sealed class Generator : IDisposable
{
    private static readonly GeneratorHandle Default = new();
    private readonly GeneratorHandle handle;

    /// <summary>A stream that depends on the seed alone.</summary>
    public Generator(long seed)
    {
        handle = Native.understudy_generator_new(unchecked((ulong)seed));
        if (handle.IsInvalid)
        {
            throw Native.Failure();
        }
    }

    internal static GeneratorHandle HandleOf(Generator? generator) => generator?.handle ?? Default;

    /// <summary>Starts the stream again from a seed.</summary>
    /// <returns>This generator.</returns>
    public Generator manual_seed(long seed)
    {
        Native.Check(Native.understudy_generator_seed(handle, unchecked((ulong)seed)));
        return this;
    }

    /// <inheritdoc/>
    public void Dispose() => handle.Dispose();
}
