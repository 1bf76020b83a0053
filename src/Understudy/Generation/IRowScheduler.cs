namespace Understudy.Generation;

/// <summary>Computes the rows of an <see cref="InferenceEngine"/>, a step at a time. Not thread-safe.</summary>
internal interface IRowScheduler : IDisposable
{
    /// <summary>Rows that are being computed.</summary>
    int Running { get; }

    /// <summary>What was counted so far.</summary>
    EngineStatistics Statistics { get; }

    /// <summary>The rows of a request.</summary>
    /// <param name="id">The number of the request.</param>
    /// <param name="request">The request.</param>
    /// <exception cref="ArgumentException">It cannot be computed: too long, tokens that the model does not know.</exception>
    IEnumerable<EngineRow> RowsOf(long id, EngineRequest request);

    /// <summary>Computes the next token of the rows at work, with rows that waited where there is room.</summary>
    /// <param name="waiting">Rows that wait, in their order; those that begin are taken out, and one that has to begin again is put back.</param>
    /// <param name="finished">Receives the rows that have ended.</param>
    /// <exception cref="InvalidDataException">The model's logits are not numbers, or all tokens are forbidden.</exception>
    void Step(LinkedList<EngineRow> waiting, List<EngineRow> finished);

    /// <summary>Stops computing the rows that a condition holds for.</summary>
    void Drop(Func<EngineRow, bool> which);
}

/// <summary>What an engine has computed.</summary>
public sealed record EngineStatistics
{
    /// <summary>Steps.</summary>
    public long Steps { get; init; }

    /// <summary>Tokens of the prompts of rows that began.</summary>
    public long PromptTokens { get; init; }

    /// <summary>Those of them whose keys and values were there already.</summary>
    public long PrefixTokens { get; init; }

    /// <summary>Tokens generated.</summary>
    public long NewTokens { get; init; }

    /// <summary>Rows that had to begin again for lack of memory.</summary>
    public long Preemptions { get; init; }

    /// <summary>The most bytes of keys and values that were held at once.</summary>
    public long PeakCacheBytes { get; init; }

    /// <summary>The most rows that were computed at once.</summary>
    public int PeakRows { get; init; }

    /// <summary>The share of <see cref="PromptTokens"/> that did not have to be computed, from 0 to 1.</summary>
    public double PrefixHitRate => PromptTokens == 0 ? 0 : (double)PrefixTokens / PromptTokens;
}
