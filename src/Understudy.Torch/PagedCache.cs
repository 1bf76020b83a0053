namespace Understudy.Torch;

/// <summary>The memory of keys and values in pages of <see cref="PageTokens"/> tokens (Kwon et al., arXiv 2309.06180): a row takes a page when it needs one, and rows may share pages. Which row has which is the caller's business.</summary>
public sealed class PagedCache : IDisposable
{
    /// <summary>Tokens of a page.</summary>
    public const int PageTokens = 16;

    /// <summary>A cache without memory yet.</summary>
    /// <param name="layers">Layers that have keys and values.</param>
    /// <param name="keyHeads">Heads of keys and values.</param>
    /// <param name="headDim">Numbers of a head.</param>
    /// <param name="type">float32 or bfloat16.</param>
    public PagedCache(long layers, long keyHeads, long headDim, ScalarType type)
    {
        Handle = Native.understudy_pages_new(layers, keyHeads, headDim, type == ScalarType.BFloat16 ? 1 : 0);
        if (Handle.IsInvalid) Native.Check(-1);
        PageBytes = Native.understudy_pages_bytes(Handle);
    }

    /// <summary>Bytes of a page, all layers together.</summary>
    public long PageBytes { get; }

    internal PagesHandle Handle { get; }

    /// <summary>Takes memory for at least so many pages, numbered from 0. It is not zeroed, and nothing reads what was not written.</summary>
    public void Reserve(long pages) => Native.Check(Native.understudy_pages_reserve(Handle, pages));

    /// <summary>Copies what is in a page to another.</summary>
    public void Copy(int from, int to) => Native.Check(Native.understudy_pages_copy(Handle, from, to));

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
