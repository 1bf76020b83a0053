namespace Understudy.Torch;

/// <content>What decides in which type a model's weights are packed, and what becomes of the weights themselves.</content>
public static partial class torch
{
    /// <summary>The type that <see cref="autocast"/> takes matrix products on the CPU in now; null where it is off.</summary>
    public static ScalarType? autocast_dtype() => Native.understudy_autocast_dtype() is >= 0 and var type ? (ScalarType)type : null;

    /// <summary>How often the tensor was written to: what was derived from it holds as long as this stays.</summary>
    /// <param name="tensor">Any tensor.</param>
    /// <returns>At least 0; always 0 for a tensor of libtorch's inference mode, which counts no writes.</returns>
    public static long version(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return Native.understudy_tensor_version(tensor.Handle);
    }

    /// <summary>Gives a tensor's memory back where nobody else holds it: it is [0] from then on, and whoever reads it is told.</summary>
    /// <param name="tensor">Any tensor that no gradient needs.</param>
    /// <exception cref="TorchException">libtorch refuses: the tensor is one of inference mode, outside of it.</exception>
    public static void clear(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        Native.Check(Native.understudy_tensor_clear(tensor.Handle));
    }
}
