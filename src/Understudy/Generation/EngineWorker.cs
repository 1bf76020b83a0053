using System.Collections.Concurrent;

namespace Understudy.Generation;

/// <summary>The thread of an engine that serves many callers.</summary>
internal sealed class EngineWorker : IDisposable
{
    private readonly InferenceEngine engine;
    private readonly BlockingCollection<Submission> submitted = [];
    private readonly ConcurrentQueue<Submission> withdrawn = [];
    private readonly Dictionary<long, Submission> open = [];
    private readonly SemaphoreSlim places;
    private readonly CancellationTokenSource stopping = new();
    private readonly Thread thread;

    /// <summary>Starts a thread.</summary>
    /// <param name="engine">What computes.</param>
    /// <param name="limit">Requests that may wait or be computed at once.</param>
    internal EngineWorker(InferenceEngine engine, int limit)
    {
        this.engine = engine;
        places = new SemaphoreSlim(limit);
        thread = new Thread(Work) { IsBackground = true, Name = "inference engine" };
        thread.Start();
    }

    /// <summary>See <see cref="InferenceEngine.SubmitAsync"/>.</summary>
    internal async Task<IReadOnlyList<EngineResult>> SubmitAsync(EngineRequest request, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stopping.Token);
        await places.WaitAsync(either.Token).ConfigureAwait(false);
        var submission = new Submission(request);
        try
        {
            submitted.Add(submission, either.Token);
            using var registration = either.Token.Register(() =>
            {
                // In this order: a submission that is not opened yet is passed over because it is at its end.
                submission.Done.TrySetCanceled(either.Token);
                withdrawn.Enqueue(submission);
            });
            return await submission.Done.Task.ConfigureAwait(false);
        }
        finally
        {
            places.Release();
        }
    }

    /// <summary>Stops the thread; what is open is cancelled.</summary>
    public void Dispose()
    {
        stopping.Cancel();
        // Nothing is disposed that a caller may still be waiting at.
        thread.Join();
    }

    private void Work()
    {
        var results = new List<EngineResult>();
        var faults = new List<(long Request, Exception Fault)>();
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                // Waits where there is nothing to do.
                while (engine.HasWork ? submitted.TryTake(out var next) : submitted.TryTake(out next, Timeout.Infinite, stopping.Token)) Open(next!);
                while (withdrawn.TryDequeue(out var submission)) Withdraw(submission);
                results.Clear();
                faults.Clear();
                engine.Step(results, faults);
                foreach (var (request, fault) in faults) Fail(request, fault);
                foreach (var result in results) Take(result);
            }
            catch (Exception error)
            {
                // What is no single request's fault is everybody's; at the end it is the order to stop.
                engine.DropAll();
                foreach (var submission in open.Values) End(submission, error);
                open.Clear();
            }
        }

        while (submitted.TryTake(out var late)) late.Done.TrySetCanceled(stopping.Token);
    }

    private void End(Submission submission, Exception error)
    {
        if (stopping.IsCancellationRequested) submission.Done.TrySetCanceled(stopping.Token);
        else submission.Done.TrySetException(error);
    }

    private void Fail(long request, Exception fault)
    {
        if (!open.Remove(request, out var submission)) return;
        engine.Drop(request);
        submission.Done.TrySetException(fault);
    }

    private void Open(Submission submission)
    {
        if (submission.Done.Task.IsCompleted) return;
        try
        {
            (submission.Id, submission.Rows) = engine.Add(submission.Request);
            open.Add(submission.Id, submission);
        }
        catch (Exception error)
        {
            submission.Done.TrySetException(error);
        }
    }

    private void Withdraw(Submission submission)
    {
        if (submission.Rows > 0 && open.Remove(submission.Id)) engine.Drop(submission.Id);
    }

    private void Take(EngineResult result)
    {
        if (!open.TryGetValue(result.Request, out var submission)) return;
        submission.Results.Add(result);
        if (submission.Results.Count < submission.Rows) return;
        open.Remove(result.Request);
        submission.Done.TrySetResult([.. submission.Results.OrderBy(own => (own as GenerationResult)?.Sample ?? 0)]);
    }

    /// <summary>A request and who waits for it.</summary>
    private sealed class Submission(EngineRequest request)
    {
        internal EngineRequest Request { get; } = request;

        internal TaskCompletionSource<IReadOnlyList<EngineResult>> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal List<EngineResult> Results { get; } = [];

        internal long Id { get; set; }

        internal int Rows { get; set; }
    }
}
