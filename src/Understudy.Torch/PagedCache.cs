namespace Understudy.Torch;

/// <summary>The memory of keys and values in pages of <see cref="PageTokens"/> tokens (Kwon et al., arXiv 2309.06180): a row takes a page when it needs one, and rows may share pages. Which row has which is the caller's business.</summary>
public sealed class PagedCache : IDisposable
{
    /// <summary>Tokens of a page.</summary>
    public const int PageTokens = 16;

    /// <summary>A cache without memory yet.</summary>
    /// <param name="layers">Layers that have keys and values, at least 1.</param>
    /// <param name="keyHeads">Heads of keys and values, at least 1.</param>
    /// <param name="headDim">Numbers of a head, at least 1.</param>
    /// <param name="type">float32 or bfloat16.</param>
    /// <exception cref="ArgumentException">Another type.</exception>
    /// <exception cref="TorchException">A number is below 1.</exception>
    public PagedCache(long layers, long keyHeads, long headDim, ScalarType type)
    {
        if (type is not (ScalarType.Float32 or ScalarType.BFloat16)) throw new ArgumentException($"Expected float32 or bfloat16, found {type}.", nameof(type));
        Handle = Native.understudy_pages_new(layers, keyHeads, headDim, type == ScalarType.BFloat16 ? 1 : 0);
        if (Handle.IsInvalid) Native.Check(-1);
        PageBytes = Native.understudy_pages_bytes(Handle);
    }

    /// <summary>Bytes of a page, all layers together.</summary>
    public long PageBytes { get; }

    internal PagesHandle Handle { get; }

    /// <summary>Takes memory for at least so many pages, numbered from 0. It is not zeroed, and nothing reads what was not written. Pages are never given back one by one.</summary>
    /// <param name="pages">All pages together, those there are included.</param>
    /// <exception cref="TorchException">There is not so much memory.</exception>
    public void Reserve(long pages) => Native.Check(Native.understudy_pages_reserve(Handle, pages));

    /// <summary>Copies what is in a page to another, in all layers.</summary>
    /// <param name="from">A page that there is memory for.</param>
    /// <param name="to">Another one.</param>
    /// <exception cref="TorchException">There is no such page.</exception>
    public void Copy(int from, int to) => Native.Check(Native.understudy_pages_copy(Handle, from, to));

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
