using System.Runtime.InteropServices;

namespace Understudy.Torch;

/// <summary>The entry to libtorch, with TorchSharp's names.</summary>
public static partial class torch
{
    /// <summary>Version of the libtorch that is loaded, for example <c>1.13.1</c>.</summary>
    public static string __version__ { get; } = Marshal.PtrToStringUTF8(Native.understudy_torch_version()) ?? "";

    /// <summary>GPUs.</summary>
    public static partial class cuda
    {
        /// <summary>Whether this libtorch sees a GPU.</summary>
        public static bool is_available() => device_count() > 0;

        /// <summary>How many GPUs this libtorch sees.</summary>
        public static int device_count() => Native.understudy_cuda_device_count();
    }

    /// <summary>Opens a scope that frees the tensors created in it.</summary>
    public static DisposeScope NewDisposeScope() => new();

    /// <summary>Seeds libtorch's own generators: dropout, and random tensors without a generator of their own.</summary>
    public static void manual_seed(long seed) => Native.Check(Native.understudy_manual_seed(unchecked((ulong)seed)));

    /// <summary>How many threads an operation may use, at least 1.</summary>
    public static void set_num_threads(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        Native.Check(Native.understudy_set_num_threads(threads));
    }

    /// <summary>How many threads an operation may use.</summary>
    public static int get_num_threads() => Native.understudy_get_num_threads();

    /// <summary>Turns recording for <see cref="Tensor.backward"/> off on this thread until disposed.</summary>
    public static GradMode no_grad() => new(enabled: false);

    /// <summary>Turns recording on again inside <see cref="no_grad"/> until disposed.</summary>
    public static GradMode enable_grad() => new(enabled: true);

    /// <summary>Runs matrix products in 16 bit on this thread until disposed; weights stay as they are.</summary>
    /// <param name="dtype"><see cref="ScalarType.BFloat16"/>; on a GPU also <see cref="ScalarType.Float16"/>.</param>
    /// <param name="device">The kind of device; the CPU when null.</param>
    /// <param name="enabled">False turns it off inside an outer autocast.</param>
    public static Autocast autocast(ScalarType dtype, Device? device = null, bool enabled = true) =>
        new((device ?? Device.CPU).type, enabled, dtype);

    /// <summary>Element-wise choice: <paramref name="x"/> where the condition holds, else <paramref name="y"/>.</summary>
    public static Tensor where(Tensor condition, Tensor x, Tensor y) =>
        new(Native.understudy_where(condition.Handle, x.Handle, y.Handle));

    /// <summary>Matrix product, batched over leading dimensions.</summary>
    public static Tensor matmul(Tensor x, Tensor y) => x.matmul(y);

    /// <summary>Joins tensors along a dimension they have.</summary>
    public static Tensor cat(IReadOnlyList<Tensor> tensors, long dim = 0)
    {
        var result = new Tensor(Native.understudy_cat(Pointers(tensors), tensors.Count, dim));
        GC.KeepAlive(tensors);
        return result;
    }

    /// <summary>Joins tensors of one shape along a new dimension.</summary>
    public static Tensor stack(IReadOnlyList<Tensor> tensors, long dim = 0)
    {
        var result = new Tensor(Native.understudy_stack(Pointers(tensors), tensors.Count, dim));
        GC.KeepAlive(tensors);
        return result;
    }

    /// <summary>The native pointers of a list; the caller keeps the list alive until the call has returned.</summary>
    internal static nint[] Pointers(IReadOnlyList<Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var pointers = new nint[tensors.Count];
        for (var i = 0; i < pointers.Length; i++)
        {
            ObjectDisposedException.ThrowIf(tensors[i].Handle.IsClosed, tensors[i]);
            pointers[i] = tensors[i].Handle.DangerousGetHandle();
        }

        return pointers;
    }
}
