using Understudy.Torch;

namespace Understudy.Tests;

/// <summary>Tests that count the tensors of the process run alone: others would make and free tensors at the same time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class LiveTensors
{
    public const string Name = "live tensors";

    /// <summary>Runs an action twice, for what it keeps on purpose, and says how many more tensors there are after the second time.</summary>
    public static long Left(Action action)
    {
        action();
        Settle();
        var before = Tensor.TotalCount;
        action();
        // Not settled again: what only a finalizer frees is a leak.
        return Tensor.TotalCount - before;
    }

    // Tensors that earlier tests left to the finalizer must not be counted in the middle of this one.
    private static void Settle()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }
}
