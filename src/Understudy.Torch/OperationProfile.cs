using System.Globalization;
using System.Runtime.InteropServices;

namespace Understudy.Torch;

/// <summary>An operation of a profile, all its calls together.</summary>
/// <param name="Name">The operation: libtorch's name, or that of one of Understudy's own kernels.</param>
/// <param name="Backward">Whether it was part of computing gradients.</param>
/// <param name="Calls">How often it ran.</param>
/// <param name="Seconds">Time in it, without the operations that it called.</param>
/// <param name="Operations">Additions and multiplications of matrix products and of own kernels; 0 where they are not counted.</param>
/// <param name="Bytes">What it read and wrote of tensors, each counted once; 0 where that is not known.</param>
public sealed record MeasuredOperation(string Name, bool Backward, long Calls, double Seconds, double Operations, double Bytes);

/// <summary>Measures every operation of this thread until stopped. Gradients on the processor are computed on the thread that asks for them.</summary>
public sealed class OperationProfile : IDisposable
{
    [ThreadStatic]
    private static OperationProfile? current;

    private OperationProfile() => Native.Check(Native.understudy_profile_start());

    /// <summary>Begins to measure. One profile at a time.</summary>
    /// <exception cref="TorchException">A profile is being taken already.</exception>
    public static OperationProfile Start() => current = new OperationProfile();

    /// <summary>Counts the time until disposed, as far as it is in no operation, as an operation of a name; null, and nothing happens, when no profile is taken on this thread.</summary>
    /// <param name="name">The name.</param>
    /// <param name="backward">Whether it is about gradients, and the operations in it with it: autograd adds gradients up outside of its nodes.</param>
    public static IDisposable? Range(string name, bool backward = false)
    {
        if (current is null) return null;
        Native.understudy_profile_enter(name, backward ? 1 : 0);
        return new MeasuredRange();
    }

    /// <summary>Ends the profile.</summary>
    /// <returns>The operations, that which took longest first.</returns>
    /// <exception cref="InvalidOperationException">It has ended already, or this is another thread than it was begun on.</exception>
    public IReadOnlyList<MeasuredOperation> Stop()
    {
        if (!ReferenceEquals(current, this)) throw new InvalidOperationException("This profile has ended, or was begun on another thread.");
        current = null;
        var text = Marshal.PtrToStringUTF8(Native.understudy_profile_stop()) ?? throw Native.Failure();
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse).OrderByDescending(operation => operation.Seconds)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (ReferenceEquals(current, this)) Stop();
    }

    private static MeasuredOperation Parse(string line)
    {
        var cells = line.Split('\t');
        double Number(int cell) => double.Parse(cells[cell], CultureInfo.InvariantCulture);
        return new MeasuredOperation(cells[0], cells[1] == "1", long.Parse(cells[2], CultureInfo.InvariantCulture), Number(3), Number(4), Number(5));
    }

    private sealed class MeasuredRange : IDisposable
    {
        public void Dispose() => Native.understudy_profile_exit();
    }
}
