using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>What a run is going to take.</summary>
/// <param name="RunFolder">Where it would be.</param>
/// <param name="Device">Where it would compute.</param>
/// <param name="Threads">Threads of arithmetic.</param>
/// <param name="Stages">Its stages in their order.</param>
/// <param name="Seconds">Time of all that is left.</param>
/// <param name="PeakBytes">The most memory that the process has at a time.</param>
/// <param name="DevicePeakBytes">The most memory of the GPU; null on the CPU.</param>
/// <param name="Memory">What the machine has.</param>
/// <param name="DeviceFreeBytes">What the GPU has free; null on the CPU, or where that is not known.</param>
/// <param name="Fits">Whether memory is enough.</param>
/// <param name="Advice">What would make it fit; empty when it does.</param>
/// <param name="Assumptions">What is not known before the run, and what was taken for it.</param>
/// <param name="MeasuringSeconds">Time that the measuring took.</param>
public sealed record PlanResult(
    string RunFolder, string Device, int Threads, IReadOnlyList<StagePlan> Stages, double Seconds, long PeakBytes, long? DevicePeakBytes,
    MachineMemory Memory, long? DeviceFreeBytes, bool Fits, IReadOnlyList<PlanAdvice> Advice, IReadOnlyList<string> Assumptions, double MeasuringSeconds);

/// <summary>What a stage is going to take; repeats of a training stand together.</summary>
/// <param name="Name">As under <c>stages/</c>, without the number of the repeat.</param>
/// <param name="Times">How many such stages the run has.</param>
/// <param name="Done">How many of them are finished and cost nothing.</param>
/// <param name="Rows">Rows that one of them handles.</param>
/// <param name="Tokens">Real tokens that one of them handles, in all epochs.</param>
/// <param name="Steps">Optimiser steps of one; null where nothing is trained.</param>
/// <param name="Seconds">Seconds of one that is not done.</param>
/// <param name="MostSeconds">The most seconds where it depends on what the run comes upon; null where it does not.</param>
/// <param name="PeakBytes">The most memory that the process has meanwhile; 0 when all are done.</param>
/// <param name="DevicePeakBytes">The same of the GPU; null on the CPU.</param>
/// <param name="Basis">How time and memory came about.</param>
public sealed record StagePlan(string Name, int Times, int Done, long Rows, long Tokens, int? Steps, double Seconds, double? MostSeconds, long PeakBytes, long? DevicePeakBytes, PlanBasis Basis)
{
    /// <summary>Seconds of all that are not done.</summary>
    public double SecondsLeft => (Times - Done) * Seconds;
}

/// <summary>A change of the run file and what it would bring.</summary>
/// <param name="Stage">The stage that does not fit.</param>
/// <param name="Settings">Keys with their new values, as for <c>--set</c>.</param>
/// <param name="PeakBytes">The stage's memory then.</param>
/// <param name="Fits">Whether that is enough.</param>
/// <param name="Note">What else changes; empty for nothing.</param>
public sealed record PlanAdvice(string Stage, IReadOnlyList<string> Settings, long PeakBytes, bool Fits, string Note);
