using System.Runtime.InteropServices;

namespace Understudy.Cli;

/// <summary>Turns the first Ctrl+C or SIGTERM into a cancellation, so that a run can end on a whole step; the second ends the process at once.</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;

    public StopSignal()
    {
        registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop)];
    }

    public CancellationToken Token => source.Token;

    /// <summary>The signal that came; null when none did.</summary>
    public PosixSignal? Received { get; private set; }

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
        source.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        if (Received is not null)
            return;
        Received = context.Signal;
        context.Cancel = true;
        Console.Error.WriteLine("Stopping at the next whole step; press Ctrl+C again to stop at once.");
        source.Cancel();
    }
}
