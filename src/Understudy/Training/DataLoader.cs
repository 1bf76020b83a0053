using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Understudy.Training;

/// <summary>Makes the items of a training loop ahead of it, on a thread of its own, and hands them out in their order: the loop does not wait for its data.</summary>
/// <remarks>
/// What it makes must hold no tensors: a dispose scope belongs to a thread, so arrays become tensors where the loop is. At most as many items as asked
/// for are ready at a time. <see cref="Next"/> and <see cref="Dispose"/> belong to one thread.
/// </remarks>
/// <typeparam name="TItem">What a turn of the loop takes.</typeparam>
public sealed class DataLoader<TItem> : IDisposable
{
    private readonly BlockingCollection<TItem> ready;
    private readonly CancellationTokenSource stop = new();
    private readonly Thread thread;
    private readonly Stopwatch since = new();
    private readonly Stopwatch waiting = new();
    private ExceptionDispatchInfo? fault;
    private bool disposed;

    /// <summary>Begins to make items.</summary>
    /// <param name="items">Makes the next item each time it is moved on; only this loader's thread calls it. It may be endless.</param>
    /// <param name="ahead">The most items that are ready, at least 1.</param>
    public DataLoader(IEnumerable<TItem> items, int ahead = 4)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentOutOfRangeException.ThrowIfLessThan(ahead, 1);
        ready = new BlockingCollection<TItem>(ahead);
        thread = new Thread(() => Make(items)) { IsBackground = true, Name = "data loader" };
        thread.Start();
    }

    /// <summary>The share of the time since the first <see cref="Next"/> that the loop spent in it, from 0 to 1; 0 before.</summary>
    public double WaitShare => since.Elapsed > TimeSpan.Zero ? waiting.Elapsed / since.Elapsed : 0;

    /// <summary>The next item.</summary>
    /// <exception cref="InvalidOperationException">There is none left.</exception>
    /// <remarks>An exception of the items is thrown here as it was, after the items before it.</remarks>
    public TItem Next()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        since.Start();
        waiting.Start();
        try
        {
            if (ready.TryTake(out var item, Timeout.Infinite)) return item;
        }
        finally
        {
            waiting.Stop();
        }

        fault?.Throw();
        throw new InvalidOperationException("There are no more items; the loop asked for one too many.");
    }

    /// <summary>Stops the thread, waits for its end, and forgets what was ready.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        stop.Cancel();
        thread.Join();
        ready.Dispose();
        stop.Dispose();
    }

    private void Make(IEnumerable<TItem> items)
    {
        try
        {
            foreach (var item in items)
            {
                ready.Add(item, stop.Token);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The loop has ended; nobody waits for an item.
        }
        catch (Exception e)
        {
            fault = ExceptionDispatchInfo.Capture(e);
        }
        finally
        {
            ready.CompleteAdding();
        }
    }
}
