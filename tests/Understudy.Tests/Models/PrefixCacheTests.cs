using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

public sealed class PrefixCacheTests : IDisposable
{
    private readonly PagedCache cache = new(1, 1, 4, ScalarType.Float32);
    private readonly PagePool pool;
    private readonly PrefixCache prefixes;

    public PrefixCacheTests()
    {
        pool = new PagePool(cache);
        prefixes = new PrefixCache(pool);
    }

    public void Dispose() => cache.Dispose();

    [Fact]
    public void Whole_pages_are_found_and_one_token_is_left_to_compute()
    {
        var text = Text(1, 40);
        var pages = Known(text);
        Assert.Equal(pages[..2], Match(text).Pages);
        Assert.Equal(pages[..1], Match(text[..32]).Pages);
        Assert.Equal(pages[..1], Match([.. text[..20], 99, .. text[21..]]).Pages);
        Assert.Equal(32, Match(text).Found);
        Assert.Equal(0, Match(text[..16]).Found);
        Assert.Equal(0, Match([5, .. text]).Found);
    }

    [Fact]
    public void The_same_page_of_tokens_after_another_beginning_is_another_page()
    {
        var tail = Text(3, 17);
        int[] first = [.. Text(1, 16), .. tail];
        int[] second = [.. Text(2, 16), .. tail];
        var pages = (Known(first), Known(second));
        Assert.Equal(pages.Item1[..2], Match(first).Pages);
        Assert.Equal(pages.Item2[..2], Match(second).Pages);
    }

    [Fact]
    public void What_was_not_used_for_the_longest_time_goes_first_and_the_end_of_a_path_before_its_beginning()
    {
        var (old, young) = (Text(1, 49), Text(2, 49));
        Known(old);
        Known(young);
        Free(Match(old).Pages);
        Assert.Equal(6, prefixes.Count);
        for (var i = 0; i < 4; i++) Assert.True(prefixes.Evict());
        Assert.Equal(0, Match(young).Found);
        Assert.Equal(32, Match(old).Found);
    }

    [Fact]
    public void Pages_in_use_stay()
    {
        var text = Text(1, 33);
        Known(text);
        var used = Match(text).Pages;
        Assert.False(prefixes.Evict());
        Free(used);
        Assert.True(prefixes.Evict());
        Assert.True(prefixes.Evict());
        Assert.False(prefixes.Evict());
        Assert.Equal(0, pool.Taken);
    }

    [Fact]
    public void It_keeps_to_its_limit()
    {
        prefixes.Limit = 3;
        for (var i = 0; i < 10; i++) Known(Text(i, 33));
        Assert.Equal((3, 3), (prefixes.Count, pool.Taken));
        prefixes.Clear();
        Assert.Equal((0, 0), (prefixes.Count, pool.Taken));
    }

    [Fact]
    public void A_pool_gives_no_more_than_its_limit_and_gives_pages_again()
    {
        pool.Limit = 2;
        Assert.True(pool.TryTake(out var first) && pool.TryTake(out var second) && first != second);
        Assert.False(pool.TryTake(out _));
        pool.Hold(first);
        pool.Release(first);
        Assert.False(pool.TryTake(out _));
        pool.Release(first);
        Assert.True(pool.TryTake(out var again));
        Assert.Equal(first, again);
    }

    private static int[] Text(int seed, int length) => [.. Enumerable.Range(0, length).Select(i => (seed * 1000) + i)];

    /// <summary>Remembers the pages of a text, which its row then lets go of.</summary>
    private int[] Known(int[] text)
    {
        var pages = Enumerable.Range(0, text.Length / PagedCache.PageTokens).Select(_ => pool.TryTake(out var page) ? page : -1).ToArray();
        prefixes.Add(text, pages);
        Free(pages);
        return pages;
    }

    private (int Found, int[] Pages) Match(int[] text)
    {
        var pages = new List<int>();
        return (prefixes.Match(text, pages), [.. pages]);
    }

    private void Free(int[] pages)
    {
        foreach (var page in pages) pool.Release(page);
    }
}
