using Understudy.Models;

namespace Understudy.Generation;

/// <summary>Faults that every scheduler finds.</summary>
internal static class EngineFaults
{
    /// <summary>The model's logits are not numbers.</summary>
    internal static InvalidDataException NoNumbers() =>
        new("The model's logits are not numbers (NaN or infinite). Its weights are damaged or its training diverged; take an earlier checkpoint.");

    /// <summary>No token is left.</summary>
    internal static InvalidDataException NothingAllowed() => new("Every token is forbidden at this point. Allow some: fewer bad words, or a larger no_repeat_ngram_size.");

    /// <summary>A row that is alone finds no page.</summary>
    internal static InvalidOperationException NoMemory(PagePool pool) =>
        new($"The cache's {pool.Limit} pages of keys and values are taken, and not by rows of this engine. Finish or dispose what else computes with the same model first.");

    /// <summary>A request of a kind that the model does not take.</summary>
    internal static ArgumentException NoSuchRequest(EngineRequest request) =>
        new($"Expected a {nameof(GenerationRequest)} or a {nameof(ScoringRequest)}, found a {request.GetType().Name}.");

    /// <summary>Scoring was asked of an encoder-decoder.</summary>
    internal static ArgumentException NoScoring() => new("Labels are scored by causal models alone; this is an encoder-decoder.");
}
