using Understudy.Torch;

namespace Understudy.Models;

/// <summary>Which pages of a <see cref="PagedCache"/> are taken, and by how many. Not thread-safe.</summary>
internal sealed class PagePool
{
    private readonly PagedCache cache;
    private readonly Stack<int> free = [];
    private readonly List<int> holders = [];

    /// <summary>A pool of a cache that nobody else gives pages of.</summary>
    internal PagePool(PagedCache cache) => this.cache = cache;

    /// <summary>The most pages that may be taken at once.</summary>
    internal int Limit { get; set; } = int.MaxValue;

    /// <summary>Pages taken.</summary>
    internal int Taken => holders.Count - free.Count;

    /// <summary>Bytes of a page.</summary>
    internal long PageBytes => cache.PageBytes;

    /// <summary>Pages that so many tokens need.</summary>
    internal static int PagesOf(int tokens) => (tokens + PagedCache.PageTokens - 1) / PagedCache.PageTokens;

    /// <summary>Takes a page.</summary>
    /// <returns>False when <see cref="Limit"/> is reached.</returns>
    internal bool TryTake(out int page)
    {
        page = -1;
        if (Taken >= Limit) return false;
        if (!free.TryPop(out page))
        {
            page = holders.Count;
            cache.Reserve(page + 1);
            holders.Add(0);
        }

        holders[page] = 1;
        return true;
    }

    /// <summary>One holder more.</summary>
    internal void Hold(int page) => holders[page]++;

    /// <summary>One holder less; a page without holders is free.</summary>
    internal void Release(int page)
    {
        if (--holders[page] == 0) free.Push(page);
    }

    /// <summary>How many hold a page.</summary>
    internal int Holders(int page) => holders[page];

    /// <summary>Copies what is in a page to another.</summary>
    internal void Copy(int from, int to) => cache.Copy(from, to);
}
