using Understudy.Torch;

namespace Understudy.Models;

/// <summary>
/// Pages of beginnings that were computed before, found by their tokens: a page follows another, so that what begins alike is one path (Zheng et al., arXiv 2312.07104). Pages
/// that no row uses stay, the least recently used go first. Not thread-safe.
/// </summary>
internal sealed class PrefixCache(PagePool pool)
{
    /// <summary>Bytes that it keeps where nobody says otherwise.</summary>
    internal const long DefaultBytes = 256L << 20;

    private readonly Dictionary<Key, Node> nodes = [];
    private readonly LinkedList<Node> byUse = [];
    private long nextId = 1;

    /// <summary>The most pages that it keeps.</summary>
    internal int Limit { get; set; } = (int)Math.Min(DefaultBytes / pool.PageBytes, int.MaxValue);

    /// <summary>Pages that it keeps.</summary>
    internal int Count => nodes.Count;

    /// <summary>Takes the pages that a text begins with, one holder more each.</summary>
    /// <param name="tokens">The text.</param>
    /// <param name="pages">Receives the pages.</param>
    /// <returns>The tokens that are in them, fewer than the text has: whole pages.</returns>
    internal int Match(ReadOnlySpan<int> tokens, List<int> pages)
    {
        var parent = 0L;
        var found = 0;
        var path = new List<Node>();
        // One token at least is computed: somebody wants what follows it.
        while (found + PagedCache.PageTokens < tokens.Length && nodes.TryGetValue(new Key(parent, tokens.Slice(found, PagedCache.PageTokens)), out var node))
        {
            path.Add(node);
            pool.Hold(node.Page);
            pages.Add(node.Page);
            parent = node.Id;
            found += PagedCache.PageTokens;
        }

        Touch(path);
        return found;
    }

    /// <summary>Remembers the whole pages of a text. Those that are known stay as they are.</summary>
    /// <param name="tokens">The beginning of a text whose pages are computed, or are about to be in the same step.</param>
    /// <param name="pages">Its pages.</param>
    internal void Add(ReadOnlySpan<int> tokens, IReadOnlyList<int> pages)
    {
        var parent = 0L;
        var path = new List<Node>();
        for (var at = 0; at + PagedCache.PageTokens <= tokens.Length; at += PagedCache.PageTokens)
        {
            var key = new Key(parent, tokens.Slice(at, PagedCache.PageTokens));
            if (!nodes.TryGetValue(key, out var node))
            {
                node = new Node(nextId++, key, pages[at / PagedCache.PageTokens], path.Count > 0 ? path[^1] : null);
                nodes.Add(node.Key, node);
                node.Place = byUse.AddLast(node);
                if (node.Parent is { } above) above.Children++;
                pool.Hold(node.Page);
            }

            path.Add(node);
            parent = node.Id;
        }

        Touch(path);
        Trim();
    }

    /// <summary>Lets go of what is beyond <see cref="Limit"/> and no row uses: for when rows have ended.</summary>
    internal void Trim()
    {
        while (Count > Limit && Evict())
        {
        }
    }

    /// <summary>Lets go of the least recently used page that no row uses.</summary>
    /// <returns>False when all are in use.</returns>
    internal bool Evict()
    {
        for (var place = byUse.First; place is not null; place = place.Next)
        {
            var node = place.Value;
            if (node.Children > 0 || pool.Holders(node.Page) > 1) continue;
            Remove(node);
            return true;
        }

        return false;
    }

    /// <summary>Lets go of everything.</summary>
    internal void Clear()
    {
        foreach (var node in nodes.Values) pool.Release(node.Page);
        nodes.Clear();
        byUse.Clear();
    }

    private void Remove(Node node)
    {
        nodes.Remove(node.Key);
        byUse.Remove(node.Place!);
        if (node.Parent is { } above) above.Children--;
        pool.Release(node.Page);
    }

    /// <summary>The first page of a path is the last to go.</summary>
    private void Touch(List<Node> path)
    {
        for (var i = path.Count - 1; i >= 0; i--)
        {
            byUse.Remove(path[i].Place!);
            byUse.AddLast(path[i].Place!);
        }
    }

    private sealed class Node(long id, Key key, int page, Node? parent)
    {
        internal long Id { get; } = id;

        internal Key Key { get; } = key;

        internal int Page { get; } = page;

        internal Node? Parent { get; } = parent;

        internal int Children { get; set; }

        internal LinkedListNode<Node>? Place { get; set; }
    }

    /// <summary>The tokens of a page and what is before it.</summary>
    private readonly struct Key : IEquatable<Key>
    {
        private readonly long parent;
        private readonly int[] tokens;
        private readonly int hash;

        internal Key(long parent, ReadOnlySpan<int> tokens)
        {
            this.parent = parent;
            this.tokens = tokens.ToArray();
            var code = new HashCode();
            code.Add(parent);
            code.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(tokens));
            hash = code.ToHashCode();
        }

        public bool Equals(Key other) => parent == other.parent && tokens.AsSpan().SequenceEqual(other.tokens);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => hash;
    }
}
