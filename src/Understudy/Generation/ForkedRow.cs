using System.Runtime.InteropServices;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>A row of a <see cref="PackedDecoding"/> and its pages.</summary>
internal sealed class ForkedRow(PackedModel packed)
{
    private readonly List<int> pages = [];
    private readonly List<int> sourcePages = [];
    private int computed;
    private int sourceTokens;

    /// <summary>The pages of its source.</summary>
    internal IReadOnlyList<int> SourcePages => sourcePages;

    /// <summary>Takes pages for a source.</summary>
    internal void ReachSource(int tokens)
    {
        sourceTokens = tokens;
        while (sourcePages.Count < PagePool.PagesOf(tokens)) sourcePages.Add(Taken(packed.SourcePages!));
    }

    /// <summary>Begins with a text whose first pages may be known.</summary>
    /// <returns>The tokens that are left to compute.</returns>
    internal int[] Begin(int[] text)
    {
        computed = packed.Prefixes.Match(text, pages);
        return text[computed..];
    }

    /// <summary>Remembers the pages of a text that is computed.</summary>
    internal void Remember(int[] text) => packed.Prefixes.Add(text, pages);

    /// <summary>Puts its next tokens into a step, and asks for what follows them.</summary>
    /// <returns>One more than its largest position.</returns>
    internal int Add(StepBatch step, ReadOnlySpan<int> tokens)
    {
        while (pages.Count < PagePool.PagesOf(computed + tokens.Length)) pages.Add(TakePage());

        var first = step.Add(tokens, computed, CollectionsMarshal.AsSpan(pages), sourceTokens, CollectionsMarshal.AsSpan(sourcePages));
        step.Select(first + tokens.Length - 1);
        return computed += tokens.Length;
    }

    /// <summary>A row that begins as this one. Whole pages are shared; the last one, which both go on in, is copied.</summary>
    internal ForkedRow Fork()
    {
        var fork = new ForkedRow(packed) { computed = computed, sourceTokens = sourceTokens };
        try
        {
            var whole = computed / PagedCache.PageTokens;
            foreach (var page in pages.Take(whole)) fork.pages.Add(Held(packed.Pages, page));
            foreach (var page in pages.Skip(whole))
            {
                fork.pages.Add(TakePage());
                packed.Pages.Copy(page, fork.pages[^1]);
            }

            foreach (var page in sourcePages) fork.sourcePages.Add(Held(packed.SourcePages!, page));
            return fork;
        }
        catch
        {
            fork.Free();
            throw;
        }
    }

    /// <summary>Gives its pages back.</summary>
    internal void Free()
    {
        foreach (var page in pages) packed.Pages.Release(page);
        foreach (var page in sourcePages) packed.SourcePages!.Release(page);
        pages.Clear();
        sourcePages.Clear();
    }

    /// <summary>A page; beginnings that nobody uses make room for it.</summary>
    private int TakePage()
    {
        while (packed.Pages.Taken >= packed.Pages.Limit && packed.Prefixes.Evict())
        {
        }

        return Taken(packed.Pages);
    }

    private static int Held(PagePool pool, int page)
    {
        pool.Hold(page);
        return page;
    }

    private static int Taken(PagePool pool) => pool.TryTake(out var page)
        ? page
        : throw new InvalidOperationException($"The cache's {pool.Limit} pages are all taken, and beams cannot wait for one another. Take a smaller batch_size.");
}
