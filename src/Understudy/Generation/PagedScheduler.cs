using System.Runtime.InteropServices;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>
/// Rows of a <see cref="PackedModel"/>: a row that has ended is replaced at once, prompts are computed beside the rows that go on, and what prompts begin with is computed once
/// (continuous batching: Yu et al., OSDI 2022; pages: Kwon et al., arXiv 2309.06180).
/// </summary>
internal sealed class PagedScheduler : IRowScheduler
{
    // 64 MB of logits at a time.
    private const long LogitsAtOnce = 16_000_000;

    private readonly IDecoding texts;
    private readonly PackedModel packed;
    private readonly ICausalLanguageModel? causal;
    private readonly EngineOptions options;
    private readonly bool sharesBeginnings;
    private readonly List<PagedRow> running = [];
    private readonly StepBatch batch = new();
    private readonly LinePicker picker = new();
    private readonly int mostLines;
    private Tensor? logits;
    private int lines;
    private int longest;

    /// <summary>A scheduler for a packed model that nobody else uses at the same time.</summary>
    /// <param name="texts">What the model makes of a text before its first new token, and what it refuses.</param>
    /// <param name="packed">The packed model.</param>
    /// <param name="causal">The model; null for an encoder-decoder, whose rows attend to a source.</param>
    /// <param name="options">Limits.</param>
    internal PagedScheduler(IDecoding texts, PackedModel packed, ICausalLanguageModel? causal, EngineOptions options)
    {
        (this.texts, this.packed, this.causal, this.options) = (texts, packed, causal, options);
        // Behind another source, the same beginning has other keys and values.
        sharesBeginnings = causal is not null && options.PrefixCacheBytes > 0;
        var bytes = options.CacheBytes ?? Math.Min(8L << 30, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);
        var kept = options.PrefixCacheBytes / packed.Pages.PageBytes;
        packed.Prefixes.Limit = (int)Math.Min(kept, int.MaxValue / 2);
        packed.Pages.Limit = (int)Math.Min(Math.Max(1, bytes / packed.Pages.PageBytes) + kept, int.MaxValue);
        if (packed.SourcePages is { } sourcePages) sourcePages.Limit = (int)Math.Min(Math.Max(1, bytes / sourcePages.PageBytes), int.MaxValue);
        mostLines = (int)Math.Max(1, LogitsAtOnce / packed.Outputs);
    }

    public int Running => running.Count;

    public EngineStatistics Statistics { get; private set; } = new();

    public IEnumerable<EngineRow> RowsOf(long id, EngineRequest request)
    {
        if (request is not (GenerationRequest or ScoringRequest)) throw EngineFaults.NoSuchRequest(request);
        texts.Check(request.Tokens, (int)id);
        var beginning = texts.Beginning(request.Tokens);
        var room = texts.Room(request.Tokens);
        var following = request is ScoringRequest asked ? asked.Labels.Trie.MostNodes : Math.Min(room, ((GenerationRequest)request).Settings.Stop.MaxNewTokens);
        CheckMemory($"Prompt {id}", beginning.Count + following, packed.Pages);
        if (packed.SourcePages is { } sourcePages) CheckMemory($"Source {id}", request.Tokens.Count, sourcePages);
        if (request is GenerationRequest generation) return Enumerable.Range(0, generation.Samples).Select(sample => new EngineRow(id, request, sample, beginning, room));
        if (causal is null) throw EngineFaults.NoScoring();
        var labels = ((ScoringRequest)request).Labels;
        labels.Check(texts.VocabularySize);
        DecodingInput.CheckRoom(request.Tokens, labels.Trie.MaxDepth, $"Prompt {id}", causal);
        return [new EngineRow(id, request, 0, beginning, 0)];
    }

    public void Step(LinkedList<EngineRow> waiting, List<EngineRow> finished)
    {
        try
        {
            Schedule(waiting);
            if (batch.Rows == 0) return;
            Compute();
        }
        catch
        {
            // Beginnings of this step are remembered before they are computed.
            packed.Prefixes.Clear();
            throw;
        }

        Statistics = Statistics with
        {
            Steps = Statistics.Steps + 1,
            PeakRows = Math.Max(Statistics.PeakRows, running.Count),
            PeakCacheBytes = Math.Max(Statistics.PeakCacheBytes, BytesOf(packed.Pages) + (packed.SourcePages is { } sourcePages ? BytesOf(sourcePages) : 0)),
        };
        ReadScores();
        Pick();
        foreach (var row in running.Where(row => row.IsDone))
        {
            row.Free(packed);
            finished.Add(row.Row);
        }

        running.RemoveAll(row => row.IsDone);
    }

    public void Drop(Func<EngineRow, bool> which)
    {
        foreach (var row in running.Where(row => which(row.Row))) row.Free(packed);
        running.RemoveAll(row => which(row.Row));
    }

    public void Dispose()
    {
        Drop(_ => true);
        logits?.Dispose();
    }

    /// <summary>Puts the next tokens of the rows at work into a step, and those of rows that waited where there is room.</summary>
    private void Schedule(LinkedList<EngineRow> waiting)
    {
        batch.Clear();
        (lines, longest) = (0, 0);
        var budget = options.PromptTokensPerStep;
        for (var i = 0; i < running.Count; i++) budget -= Schedule(running[i], budget, waiting);
        while (running.Count < options.MaxRows && budget > 0 && lines < mostLines && waiting.First is { } next)
        {
            if (!Begin(next.Value)) break;
            waiting.RemoveFirst();
            budget -= Schedule(running[^1], budget, waiting) + (causal is null ? next.Value.Request.Tokens.Count : 0);
        }
    }

    private static long BytesOf(PagePool pool) => pool.Taken * pool.PageBytes;

    private static void CheckMemory(string name, int tokens, PagePool pool)
    {
        if (PagePool.PagesOf(tokens) <= pool.Limit) return;
        throw new ArgumentException($"{name} needs keys and values of {tokens} tokens, {PagePool.PagesOf(tokens) * pool.PageBytes:N0} bytes, and the cache takes {pool.Limit * pool.PageBytes:N0}. Raise cache_bytes, or shorten the text.");
    }

    /// <summary>Takes a row in, with what is known of its beginning.</summary>
    /// <returns>False when its prompt finds no memory now.</returns>
    private bool Begin(EngineRow next)
    {
        var row = new PagedRow(next);
        var begins = false;
        try
        {
            return begins = Begin(row);
        }
        finally
        {
            if (!begins) row.Free(packed);
        }
    }

    private bool Begin(PagedRow row)
    {
        var next = row.Row;
        var tokens = CollectionsMarshal.AsSpan(next.Tokens);
        var known = sharesBeginnings ? packed.Prefixes.Match(tokens, row.Pages) : 0;
        row.Computed = known;
        // A page for each row beside the prompt's: rows that grow would take them away again at once.
        var needed = PagePool.PagesOf(tokens.Length + row.TreeTokens) - row.Pages.Count + running.Count;
        while (packed.Pages.Limit - packed.Pages.Taken < needed)
        {
            if (packed.Prefixes.Evict()) continue;
            if (running.Count == 0) break;
            return false;
        }

        if (!BeginSource(row)) return false;
        running.Add(row);
        if (!next.IsCounted) Statistics = Statistics with { PromptTokens = Statistics.PromptTokens + next.Request.Tokens.Count, PrefixTokens = Statistics.PrefixTokens + known };
        next.IsCounted = true;
        return true;
    }

    /// <summary>Finds the source of a row that is being computed for another text of its request, or has it computed.</summary>
    /// <returns>False when it finds no memory now.</returns>
    private bool BeginSource(PagedRow row)
    {
        if (packed.SourcePages is not { } pool) return true;
        var tokens = row.Row.Request.Tokens;
        if (running.Find(other => other.Row.Id == row.Row.Id) is { } same)
        {
            foreach (var page in same.SourcePages) pool.Hold(page);
            row.SourcePages.AddRange(same.SourcePages);
            row.SourceIsKnown = same.SourceIsKnown;
            return true;
        }

        while (row.SourcePages.Count < PagePool.PagesOf(tokens.Count))
        {
            if (!pool.TryTake(out var page)) return false;
            row.SourcePages.Add(page);
        }

        return true;
    }

    /// <summary>Puts a row's next tokens into the step.</summary>
    /// <returns>How many tokens of its prompt that takes.</returns>
    private int Schedule(PagedRow row, int budget, LinkedList<EngineRow> waiting)
    {
        var tokens = CollectionsMarshal.AsSpan(row.Row.Tokens);
        var left = tokens.Length - row.Computed;
        var isPrompt = left > 1 || row.Row.Scores is not null;
        row.Scheduled = 0;
        row.Line = -1;
        if (isPrompt && budget <= 0) return 0;
        var count = isPrompt ? Math.Min(left, budget) : left;
        var whole = count == left;
        var nodes = whole ? row.NextPass() : null;
        if (nodes is not null && lines > 0 && lines + nodes.Nodes.Length + 1 > mostLines) return 0;
        if (!Reach(row, row.Computed + count + (nodes?.Nodes.Length ?? 0), waiting)) return 0;

        var part = tokens.Slice(row.Computed, count);
        int first;
        if (nodes is { Nodes.Length: > 0 })
        {
            first = AddTree(row, part, nodes);
        }
        else
        {
            first = batch.Add(part, row.Computed, CollectionsMarshal.AsSpan(row.Pages), row.SourcePages.Count > 0 ? row.Row.Request.Tokens.Count : 0, CollectionsMarshal.AsSpan(row.SourcePages));
            longest = Math.Max(longest, row.Computed + count);
        }

        row.Scheduled = count;
        if (whole)
        {
            row.Line = lines;
            // After the prompt's last token, then after every node of the tree.
            for (var i = 0; i <= (nodes?.Nodes.Length ?? 0); i++) batch.Select(first + count - 1 + i);
            lines += 1 + (nodes?.Nodes.Length ?? 0);
        }

        // What a step computes of one row, the rows after it in the same step can read.
        if (sharesBeginnings && row.Computed < row.Row.PromptLength) packed.Prefixes.Add(tokens[..Math.Min(row.Row.PromptLength, row.Computed + count)], row.Pages);
        return isPrompt ? count + (nodes?.Nodes.Length ?? 0) : 0;
    }

    private int AddTree(PagedRow row, ReadOnlySpan<int> part, LabelTrie.Pass nodes)
    {
        var (tokens, parents) = row.Branches(part, nodes);
        longest = Math.Max(longest, row.Computed + part.Length + ((ScoringRequest)row.Row.Request).Labels.Trie.MaxDepth - 1);
        return batch.AddTree(tokens, parents, row.Computed, CollectionsMarshal.AsSpan(row.Pages));
    }

    /// <summary>Gives a row pages for so many tokens; where there are none, the newest rows begin again later.</summary>
    /// <returns>False when the row itself has to.</returns>
    private bool Reach(PagedRow row, int tokens, LinkedList<EngineRow> waiting)
    {
        for (var needed = PagePool.PagesOf(tokens); row.Pages.Count < needed;)
        {
            if (packed.Pages.TryTake(out var page))
            {
                row.Pages.Add(page);
                continue;
            }

            if (packed.Prefixes.Evict()) continue;
            // Rows before this one are in the step already.
            var newest = running[^1];
            if (running.Count == 1) throw EngineFaults.NoMemory(packed.Pages);
            running.RemoveAt(running.Count - 1);
            newest.Free(packed);
            waiting.AddFirst(newest.Row);
            Statistics = Statistics with { Preemptions = Statistics.Preemptions + 1 };
            if (newest == row) return false;
        }

        return true;
    }

    private void Compute()
    {
        if (lines > 0 && (logits is null || logits.size(0) < lines))
        {
            logits?.Dispose();
            logits = DisposeScope.Detach(torch.empty([Math.Max(lines, Math.Min(mostLines, options.MaxRows)), packed.Outputs], ScalarType.Float32));
        }

        EncodeSources();
        packed.Run(batch, longest, logits);
        foreach (var row in running) row.Computed += row.Scheduled;
    }

    private void EncodeSources()
    {
        List<PagedRow> unknown = [.. running.Where(row => row is { SourceIsKnown: false, SourcePages.Count: > 0 })];
        if (unknown.Count == 0) return;
        // Texts of one request have one source.
        packed.Encode([.. unknown.DistinctBy(row => row.SourcePages[0]).Select(row => new StepSource(row.Row.Request.Tokens.ToArray(), row.SourcePages.ToArray()))]);
        foreach (var row in unknown) row.SourceIsKnown = true;
    }

    private void ReadScores()
    {
        if (!running.Any(row => row is { Line: >= 0, Row.Scores: not null })) return;
        var sums = new double[lines];
        torch.log_sum_exp_lines(logits!, sums);
        foreach (var row in running.Where(row => row is { Line: >= 0, Row.Scores: not null })) row.ReadScores(logits!.data<float>(), sums, packed.Outputs);
    }

    private void Pick()
    {
        var picking = running.Where(row => row is { Line: >= 0, Row.Stop: not null }).ToList();
        if (picking.Count == 0) return;
        var tokens = picker.Pick(logits!, lines, [.. picking.Select(row => (row.Row, row.Line))]);
        for (var i = 0; i < picking.Count; i++)
        {
            var (row, token) = (picking[i], tokens[i]);
            row.Row.Try(() => row.IsDone = row.Row.Append(token));
            if (row.Row.Fault is not null) row.IsDone = true;
        }

        Statistics = Statistics with { NewTokens = Statistics.NewTokens + picking.Count };
    }
}
