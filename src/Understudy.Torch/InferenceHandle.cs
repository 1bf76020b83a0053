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

/// <summary>Owns one step.</summary>
internal sealed class StepHandle : InferenceHandle
{
    protected override bool ReleaseHandle()
    {
        Native.understudy_step_free(handle);
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
