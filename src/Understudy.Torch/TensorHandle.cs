using System.Runtime.InteropServices;

namespace Understudy.Torch;

/// <summary>Owns one <c>at::Tensor*</c>.</summary>
internal sealed class TensorHandle : SafeHandle
{
    /// <summary>Stands for a tensor that is not given.</summary>
    internal static readonly TensorHandle Null = new();

    public TensorHandle()
        : base(0, ownsHandle: true)
    {
    }

    internal TensorHandle(nint tensor)
        : base(0, ownsHandle: true)
    {
        SetHandle(tensor);
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        Native.understudy_tensor_free(handle);
        return true;
    }
}

/// <summary>Owns one <c>at::Generator*</c>.</summary>
internal sealed class GeneratorHandle : SafeHandle
{
    public GeneratorHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        Native.understudy_generator_free(handle);
        return true;
    }
}
