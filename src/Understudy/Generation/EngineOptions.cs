using Understudy.Data;
using Understudy.Models;
using static Understudy.Data.OptionBounds;

namespace Understudy.Generation;

/// <summary>How an <see cref="InferenceEngine"/> divides its work. Where the model is packed, none of it changes a result.</summary>
public sealed record EngineOptions
{
    /// <summary>Rows that are computed at once, at least 1; fewer where their logits would take more than 64 MB. A packed classifier takes as many as <see cref="PromptTokensPerStep"/> allows.</summary>
    /// <value>The default value is 64.</value>
    public int MaxRows { get; init; } = 64;

    /// <summary>Tokens of prompts that one step takes beside the newest token of every row, at least 16. A longer prompt is computed in parts.</summary>
    /// <value>The default value is 2048.</value>
    public int PromptTokensPerStep { get; init; } = 2048;

    /// <summary>The most bytes of keys and values of rows at work, beside what <see cref="PrefixCacheBytes"/> allows. Rows wait, and the newest starts again later, when they would need more.</summary>
    /// <value>The default value is null: a quarter of the memory that the process may use, at most 8 GiB.</value>
    public long? CacheBytes { get; init; }

    /// <summary>The most bytes of keys and values that are kept of beginnings that no row uses now; 0 keeps none.</summary>
    /// <value>The default value is 256 MiB.</value>
    public long PrefixCacheBytes { get; init; } = PrefixCache.DefaultBytes;

    /// <summary>At least 1: <see cref="InferenceEngine.Run"/> reads no further request while so many texts wait (all samples of a request are queued at once), and <see cref="InferenceEngine.SubmitAsync"/> lets no more requests in to wait or be computed.</summary>
    /// <value>The default value is 1024.</value>
    public int QueueLimit { get; init; } = 1024;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        [
            AtLeast("max_rows", MaxRows, 1),
            AtLeast("prompt_tokens_per_step", PromptTokensPerStep, 16),
            CacheBytes is <= 0 ? new OptionFault("cache_bytes", $"expected more than 0, found {CacheBytes}.") : null,
            PrefixCacheBytes < 0 ? new OptionFault("prefix_cache_bytes", $"expected at least 0, found {PrefixCacheBytes}.") : null,
            AtLeast("queue_limit", QueueLimit, 1),
        ]);
}
