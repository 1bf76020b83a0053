using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>Divides the work on lines of logits over threads.</summary>
internal static class LogitWork
{
    // Below this many logits a step, starting another thread costs more than it saves.
    private const int WorthSplitting = 200_000;

    /// <summary>The most workers that there is a processor and a thread for.</summary>
    internal static int MostWorkers => Math.Max(1, Math.Min(Environment.ProcessorCount, torch.get_num_threads()));

    /// <summary>Does the work of every worker: on this thread alone when there is little to do.</summary>
    /// <param name="logits">Logits that are read in all.</param>
    /// <param name="items">Items that are divided.</param>
    /// <param name="most">The most workers.</param>
    /// <param name="work">Given a worker's number and how many there are: item i belongs to worker i modulo that.</param>
    /// <exception cref="InvalidDataException">As a worker throws it.</exception>
    internal static void Run(long logits, int items, int most, Action<int, int> work)
    {
        var workers = logits < WorthSplitting ? 1 : Math.Min(most, items);
        if (workers <= 1)
        {
            work(0, 1);
            return;
        }

        try
        {
            Parallel.For(0, workers, worker => work(worker, workers));
        }
        catch (AggregateException e) when (e.InnerException is InvalidDataException inner)
        {
            throw new InvalidDataException(inner.Message, e);
        }
    }
}
