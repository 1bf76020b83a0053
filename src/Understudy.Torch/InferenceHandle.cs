using System.Runtime.InteropServices;

namespace Understudy.Torch;

/// <summary>Owns one object of the native library's inference.</summary>
internal abstract class InferenceHandle : SafeHandle
{
    private protected InferenceHandle()
        : base(0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;
}

/// <summary>Owns one packed matrix.</summary>
internal sealed class PackedMatrixHandle : InferenceHandle
{
    protected override bool ReleaseHandle()
    {
        Native.understudy_packed_free(handle);
        return true;
    }
}

/// <summary>Owns one cache of pages.</summary>
internal sealed class PagesHandle : InferenceHandle
{
    protected override bool ReleaseHandle()
    {
        Native.understudy_pages_free(handle);
        return true;
    }
}

/// <summary>Owns one step, and a share in the matrices and caches that it points to.</summary>
internal sealed class StepHandle : InferenceHandle
{
    private readonly HashSet<SafeHandle> held = [];

    /// <summary>Keeps what a handle owns until this one is released, even where the handle is disposed before: a step may run on another thread then.</summary>
    internal void Hold(SafeHandle other)
    {
        if (held.Contains(other)) return;
        var added = false;
        try
        {
            other.DangerousAddRef(ref added);
            held.Add(other);
        }
        catch
        {
            if (added) other.DangerousRelease();
            throw;
        }
    }

    protected override bool ReleaseHandle()
    {
        Native.understudy_step_free(handle);
        foreach (var other in held) other.DangerousRelease();
        return true;
    }
}

/// <summary>Owns memory that is read to be timed.</summary>
internal sealed class SweepHandle : InferenceHandle
{
    protected override bool ReleaseHandle()
    {
        Native.understudy_sweep_free(handle);
        return true;
    }
}
