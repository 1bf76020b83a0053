using Understudy.Torch;

namespace Understudy.Tests.Binding;

/// <summary>The kernels with at most these instructions until disposed; 0 is what every processor has, 3 all that this one has. For tests in the collection of <see cref="LiveTensors"/>: the choice is the process's.</summary>
internal sealed class Instructions : IDisposable
{
    private readonly int before = Native.understudy_isa();

    internal Instructions(int isa) => Native.Check(Native.understudy_set_isa(isa));

    public void Dispose() => Native.Check(Native.understudy_set_isa(before));
}
