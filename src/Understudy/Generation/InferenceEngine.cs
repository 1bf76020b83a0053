using System.Runtime.ExceptionServices;
using Understudy.Data;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>
/// Continues prompts, scores labels after them, or classifies texts: requests go into a queue, results come out as they are ready. A row that has ended is replaced at once, and what prompts begin with
/// in common is computed once. Neither changes a result: where the model is packed, on the CPU, a text or a score is the same to the last bit alone and among any others; a drawn text depends on its
/// prompt and seed alone. Elsewhere rows are padded to batches, and the last bit may differ.
/// </summary>
/// <remarks>
/// Products are taken in bfloat16 where <see cref="torch.autocast"/> is open when the engine is made, else in the type of the weights. The engine sees the weights as they are when it is made.
/// <see cref="Run"/> computes on the caller's thread; <see cref="SubmitAsync"/> may be called from any thread and computes on the engine's own. One of the two at a time, and one engine of a model at a time.
/// </remarks>
public sealed class InferenceEngine : IDisposable
{
    private readonly EngineOptions options;
    private readonly IRowScheduler scheduler;
    private readonly ScalarType? autocast;
    private readonly LinkedList<EngineRow> waiting = [];
    private readonly Lock access = new();
    private long nextId;
    private EngineWorker? worker;
    private bool isRunning;
    private bool isDisposed;

    /// <summary>An engine for a causal model.</summary>
    /// <param name="model">The model; dropout is expected to be off. It outlives the engine.</param>
    /// <param name="options">How work is divided; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public InferenceEngine(ICausalLanguageModel model, EngineOptions? options = null)
        : this(options)
    {
        ArgumentNullException.ThrowIfNull(model);
        scheduler = PackedModel.Of(model) is { } packed ? new PagedScheduler(new CausalDecoding(model), packed, model, this.options) : new BatchScheduler(model, this.options);
    }

    /// <summary>An engine for an encoder-decoder: a request's tokens are those of the source, and what it generates does not hold the token that every target begins with.</summary>
    /// <param name="model">The model; dropout is expected to be off. It outlives the engine.</param>
    /// <param name="options">How work is divided; null for the defaults.</param>
    /// <param name="decoderStartTokenId">Id that targets begin with; null for the model's own.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public InferenceEngine(ISequenceToSequenceModel model, EngineOptions? options = null, int? decoderStartTokenId = null)
        : this(options)
    {
        ArgumentNullException.ThrowIfNull(model);
        var texts = new SequenceToSequenceDecoding(model, decoderStartTokenId);
        scheduler = PackedModel.Of(model) is { } packed ? new PagedScheduler(texts, packed, null, this.options) : new BatchScheduler(texts, this.options);
    }

    /// <summary>An engine for a classifier, which takes nothing but a <see cref="ClassificationRequest"/>.</summary>
    /// <param name="model">The model; dropout is expected to be off. It outlives the engine.</param>
    /// <param name="options">How work is divided; null for the defaults. A step takes <see cref="EngineOptions.PromptTokensPerStep"/> tokens, or where rows are padded <see cref="EngineOptions.MaxRows"/> rows.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public InferenceEngine(ISequenceClassifier model, EngineOptions? options = null)
        : this(options)
    {
        ArgumentNullException.ThrowIfNull(model);
        scheduler = new ClassifierScheduler(model, this.options);
    }

    private InferenceEngine(EngineOptions? options)
    {
        this.options = options ?? new EngineOptions();
        List<OptionFault> faults = [.. this.options.Validate()];
        if (faults.Count > 0) throw new ArgumentException(string.Join(" ", faults), nameof(options));
        autocast = torch.autocast_dtype();
        scheduler = null!;
    }

    /// <summary>What was computed so far.</summary>
    public EngineStatistics Statistics => scheduler.Statistics;

    /// <summary>Checks requests without computing them.</summary>
    /// <exception cref="ArgumentException">One cannot be computed: it is empty, too long, or holds tokens that the model does not know.</exception>
    public void Check(IEnumerable<EngineRequest> requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        var number = 0L;
        // A scheduler checks before it makes rows.
        foreach (var request in requests) _ = RowsOf(number++, request);
    }

    /// <summary>Computes requests, reading no further ahead than <see cref="EngineOptions.QueueLimit"/>.</summary>
    /// <param name="requests">The requests; they are numbered from 0.</param>
    /// <param name="inOrder">Whether results come in the order of the requests, samples of one in theirs, rather than as they are ready.</param>
    /// <param name="cancellation">Checked before every step; what was not given out by then is lost.</param>
    /// <returns>A result for every text and every scoring. The first fault of one of them ends it.</returns>
    /// <exception cref="ArgumentException">A request cannot be computed.</exception>
    /// <exception cref="InvalidDataException">The model's logits are not numbers, or all tokens are forbidden.</exception>
    /// <exception cref="InvalidOperationException">The engine serves <see cref="SubmitAsync"/>, or another call of this that is not at its end; or the cache is taken by somebody else.</exception>
    /// <exception cref="ObjectDisposedException">The engine is disposed.</exception>
    public IEnumerable<EngineResult> Run(IEnumerable<EngineRequest> requests, bool inOrder = false, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        ThrowIfBusy();
        return RunAll(requests, inOrder, cancellation);
    }

    /// <summary>Computes a request on the engine's own thread, beside those of other callers.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellation">Takes this request back.</param>
    /// <returns>Its results, samples in their order. It waits for a place while <see cref="EngineOptions.QueueLimit"/> requests wait or are computed.</returns>
    /// <exception cref="ArgumentException">The request cannot be computed.</exception>
    /// <exception cref="InvalidDataException">The model's logits are not numbers, or all tokens are forbidden; what processors, a constraint or the decoding of this request throw comes out as well. Other requests go on.</exception>
    /// <exception cref="OperationCanceledException">It was taken back, or the engine was disposed before it was computed.</exception>
    /// <exception cref="InvalidOperationException">A call of <see cref="Run"/> is not at its end.</exception>
    /// <exception cref="ObjectDisposedException">The engine is disposed.</exception>
    public Task<IReadOnlyList<EngineResult>> SubmitAsync(EngineRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        lock (access)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            if (isRunning) throw StillRunning();
            worker ??= new EngineWorker(this, options.QueueLimit);
        }

        return worker.SubmitAsync(request, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (access)
        {
            if (isDisposed) return;
            isDisposed = true;
        }

        worker?.Dispose();
        scheduler.Dispose();
    }

    /// <summary>Queues a request.</summary>
    /// <returns>Its number and its texts.</returns>
    internal (long Id, int Rows) Add(EngineRequest request)
    {
        // All of them first: one that cannot be made leaves no other behind.
        List<EngineRow> rows = [.. RowsOf(nextId, request)];
        foreach (var row in rows) waiting.AddLast(row);
        return (nextId++, rows.Count);
    }

    /// <summary>Takes a request out, wherever it is.</summary>
    internal void Drop(long id)
    {
        for (var place = waiting.First; place is not null;)
        {
            var next = place.Next;
            if (place.Value.Id == id) waiting.Remove(place);
            place = next;
        }

        scheduler.Drop(row => row.Id == id);
    }

    /// <summary>Takes everything out.</summary>
    internal void DropAll()
    {
        waiting.Clear();
        scheduler.Drop(_ => true);
    }

    /// <summary>Whether there is anything to compute.</summary>
    internal bool HasWork => waiting.Count > 0 || scheduler.Running > 0;

    /// <summary>Texts and scorings that wait.</summary>
    internal int Waiting => waiting.Count;

    /// <summary>Computes one step.</summary>
    /// <param name="results">Receives what is ready.</param>
    /// <param name="faults">Receives the requests that cannot go on, and why; the others do.</param>
    internal void Step(List<EngineResult> results, List<(long Request, Exception Fault)> faults)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        using var narrow = autocast is { } type ? torch.autocast(type) : null;
        var finished = new List<EngineRow>();
        scheduler.Step(waiting, finished);
        foreach (var row in finished)
        {
            row.Try(() => results.Add(row.Result()));
            if (row.Fault is { } fault) faults.Add((row.Id, fault));
        }
    }

    private static InvalidOperationException StillRunning() => new("Another call of Run on this engine is not at its end. Read it to its end, dispose its enumerator, or make another engine.");

    private void ThrowIfBusy()
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        if (worker is not null) throw new InvalidOperationException("The engine computes requests of SubmitAsync. Make another one for Run.");
        if (isRunning) throw StillRunning();
    }

    private IEnumerable<EngineRow> RowsOf(long id, EngineRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(request.Tokens);
        if (request is ScoringRequest scoring) ArgumentNullException.ThrowIfNull(scoring.Labels);
        if (request is GenerationRequest generation)
        {
            ArgumentNullException.ThrowIfNull(generation.Settings);
            if (generation.Samples < 1) throw new ArgumentException($"Expected at least 1 sample of a prompt, found {generation.Samples}.", nameof(request));
        }

        return scheduler.RowsOf(id, request);
    }

    private IEnumerable<EngineResult> RunAll(IEnumerable<EngineRequest> requests, bool inOrder, CancellationToken cancellation)
    {
        ThrowIfBusy();
        isRunning = true;
        var results = new List<EngineResult>();
        var faults = new List<(long Request, Exception Fault)>();
        var order = new ResultOrder();
        nextId = 0;
        using var source = requests.GetEnumerator();
        var more = true;
        try
        {
            while (true)
            {
                // Where results wait for the first ones, reading on would pile them up.
                while (more && Waiting < options.QueueLimit && (!inOrder || order.Held < options.QueueLimit))
                {
                    cancellation.ThrowIfCancellationRequested();
                    more = source.MoveNext();
                    if (!more) continue;
                    var (id, rows) = Add(source.Current);
                    order.Expect(id, rows);
                }

                if (!HasWork) yield break;
                cancellation.ThrowIfCancellationRequested();
                Step(results, faults);
                if (faults.Count > 0) ExceptionDispatchInfo.Throw(faults[0].Fault);
                foreach (var result in inOrder ? order.Ready(results) : results) yield return result;
                results.Clear();
            }
        }
        finally
        {
            DropAll();
            isRunning = false;
        }
    }
}
