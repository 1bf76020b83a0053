using System.Runtime.InteropServices;

namespace Understudy.Torch;

/// <summary>The tokens of one step, row after row. Used again for the next step after <see cref="Clear"/>; not thread-safe.</summary>
public sealed class StepBatch
{
    private readonly List<int> ids = [];
    private readonly List<int> positions = [];
    private readonly List<int> types = [];
    private readonly List<int> selected = [];
    private readonly List<int> pages = [];
    private readonly List<ulong> trees = [];
    private readonly List<Native.NativeStepRow> rows = [];

    /// <summary>Tokens so far.</summary>
    public int Tokens => ids.Count;

    /// <summary>Rows so far.</summary>
    public int Rows => rows.Count;

    /// <summary>The tokens whose output is wanted, in order.</summary>
    public ReadOnlySpan<int> Selected => CollectionsMarshal.AsSpan(selected);

    internal ReadOnlySpan<int> Ids => CollectionsMarshal.AsSpan(ids);

    internal ReadOnlySpan<int> Positions => CollectionsMarshal.AsSpan(positions);

    /// <summary>One for every token, or none where all are 0.</summary>
    internal ReadOnlySpan<int> Types
    {
        get
        {
            if (types.Count > 0) ZeroTypesUpTo(ids.Count);
            return CollectionsMarshal.AsSpan(types);
        }
    }

    internal ReadOnlySpan<int> Pages => CollectionsMarshal.AsSpan(pages);

    internal ReadOnlySpan<ulong> Trees => CollectionsMarshal.AsSpan(trees);

    /// <summary>Takes everything out.</summary>
    public void Clear()
    {
        ids.Clear();
        positions.Clear();
        types.Clear();
        selected.Clear();
        pages.Clear();
        trees.Clear();
        rows.Clear();
    }

    /// <summary>Adds a row of tokens at the positions from <paramref name="past"/> on. Whether ids, types and pages exist is seen when a step runs.</summary>
    /// <param name="tokens">The ids of the new tokens, at least one.</param>
    /// <param name="past">Tokens of the row in the cache before them, at least 0.</param>
    /// <param name="pagesOfRow">The row's pages in the order of its tokens, one for every <see cref="PagedCache.PageTokens"/> tokens begun, the new ones included.</param>
    /// <param name="source">Tokens of the row's source; 0 for none.</param>
    /// <param name="pagesOfSource">The source's pages, in the same way.</param>
    /// <param name="tokenTypes">The type of each token; none for all 0.</param>
    /// <returns>The number of its first token in the step.</returns>
    /// <exception cref="ArgumentException">There are no tokens, too few pages, types for some tokens only, or fewer than no tokens before them.</exception>
    public int Add(ReadOnlySpan<int> tokens, int past, ReadOnlySpan<int> pagesOfRow, int source = 0, ReadOnlySpan<int> pagesOfSource = default, ReadOnlySpan<int> tokenTypes = default)
    {
        if (!tokenTypes.IsEmpty && tokenTypes.Length != tokens.Length) throw new ArgumentException($"Expected a type for each of {tokens.Length} tokens, found {tokenTypes.Length}.", nameof(tokenTypes));
        var first = Begin(tokens, past, pagesOfRow, source, pagesOfSource);
        for (var i = 0; i < tokens.Length; i++) positions.Add(past + i);
        if (!tokenTypes.IsEmpty)
        {
            ZeroTypesUpTo(first);
            types.AddRange(tokenTypes);
        }

        return first;
    }

    /// <summary>Whether a token is among the step's.</summary>
    public bool Has(int token) => ids.Contains(token);

    /// <summary>Counts positions without a token, as RoBERTa does with its padding: the others of a row are counted from 0, and it stands at -1.</summary>
    /// <param name="token">The token.</param>
    /// <exception cref="InvalidOperationException">A row has tokens in the cache, or is a tree.</exception>
    public unsafe void CountWithout(int token)
    {
        foreach (ref readonly var row in CollectionsMarshal.AsSpan(rows))
        {
            if (row.Past > 0 || row.Tree is not null) throw new InvalidOperationException("Positions without a token can be counted only in rows that are given whole.");
            for (int i = row.First, next = 0; i < row.First + row.Count; i++) positions[i] = ids[i] == token ? -1 : next++;
        }
    }

    /// <summary>Adds a row of tokens that are the nodes of a tree: each sees the row's cache, its ancestors and itself.</summary>
    /// <param name="tokens">The ids of the nodes, at least one, parents first.</param>
    /// <param name="parents">The number of each node's parent among <paramref name="tokens"/>; -1 for none.</param>
    /// <param name="past">Tokens of the row in the cache before them, at least 0.</param>
    /// <param name="pagesOfRow">The row's pages in the order of its tokens, the nodes included.</param>
    /// <returns>The number of its first token in the step.</returns>
    /// <exception cref="ArgumentException">There are no tokens, too few pages, not a parent for each, or a parent comes after its child.</exception>
    public unsafe int AddTree(ReadOnlySpan<int> tokens, ReadOnlySpan<int> parents, int past, ReadOnlySpan<int> pagesOfRow)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parents.Length, tokens.Length);
        for (var i = 0; i < parents.Length; i++)
        {
            if (parents[i] >= i || parents[i] < -1) throw new ArgumentException($"Node {i} has the parent {parents[i]}; expected one before it, or -1.", nameof(parents));
        }

        var first = Begin(tokens, past, pagesOfRow, 0, default);
        var words = (tokens.Length + 63) / 64;
        var begin = trees.Count;
        CollectionsMarshal.SetCount(trees, begin + (tokens.Length * words));
        var seen = CollectionsMarshal.AsSpan(trees)[begin..];
        seen.Clear();
        for (var i = 0; i < tokens.Length; i++)
        {
            var own = seen.Slice(i * words, words);
            if (parents[i] >= 0) seen.Slice(parents[i] * words, words).CopyTo(own);
            own[i / 64] |= 1UL << (i % 64);
            positions.Add(parents[i] < 0 ? past : positions[first + parents[i]] + 1);
        }

        // One more than the place: 0 is no tree.
        CollectionsMarshal.AsSpan(rows)[^1].Tree = (ulong*)(nint)(begin + 1);
        return first;
    }

    /// <summary>Asks for the output of a token; a token may be asked for several times.</summary>
    /// <param name="token">Its number in the step, from 0 on; whether there is one is seen when a step runs.</param>
    /// <returns>Its line in the output.</returns>
    public int Select(int token)
    {
        selected.Add(token);
        return selected.Count - 1;
    }

    internal Span<Native.NativeStepRow> NativeRows() => CollectionsMarshal.AsSpan(rows);

    private void ZeroTypesUpTo(int tokens)
    {
        while (types.Count < tokens) types.Add(0);
    }

    private unsafe int Begin(ReadOnlySpan<int> tokens, int past, ReadOnlySpan<int> pagesOfRow, int source, ReadOnlySpan<int> pagesOfSource)
    {
        if (tokens.IsEmpty) throw new ArgumentException("Expected at least one token, found none.", nameof(tokens));
        ArgumentOutOfRangeException.ThrowIfNegative(past);
        ArgumentOutOfRangeException.ThrowIfNegative(source);
        var all = (long)past + tokens.Length;
        var needed = (all + PagedCache.PageTokens - 1) / PagedCache.PageTokens;
        if (pagesOfRow.Length < needed) throw new ArgumentException($"Expected {needed} pages for {all} tokens, found {pagesOfRow.Length}.", nameof(pagesOfRow));
        var neededForSource = ((long)source + PagedCache.PageTokens - 1) / PagedCache.PageTokens;
        if (pagesOfSource.Length < neededForSource) throw new ArgumentException($"Expected {neededForSource} pages for a source of {source} tokens, found {pagesOfSource.Length}.", nameof(pagesOfSource));
        var first = ids.Count;
        rows.Add(new Native.NativeStepRow
        {
            First = first,
            Count = tokens.Length,
            Past = past,
            Source = source,
            Pages = (int*)(nint)pages.Count,
            SourcePages = (int*)(nint)(pages.Count + pagesOfRow.Length),
        });
        ids.AddRange(tokens);
        pages.AddRange(pagesOfRow);
        pages.AddRange(pagesOfSource);
        return first;
    }
}
