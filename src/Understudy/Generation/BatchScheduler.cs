using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>Rows of a model that cannot be packed (on a GPU, with DoRA beside weights in few bits): prompts of similar length are padded to a batch, whose rows leave as they end; the next batch begins after the last.</summary>
/// <remarks>Matrix products of other sizes may round differently in the last bit; two tokens would have to be that close for a text to change.</remarks>
internal sealed class BatchScheduler : IRowScheduler
{
    // Moving the cache costs about what two or three steps do: worth it once a quarter of the rows has gone.
    private const int CompactionShare = 4;

    private readonly IDecoding decoding;
    private readonly ICausalLanguageModel? causal;
    private readonly EngineOptions options;
    private readonly SamplingScratch[] scratches;
    private readonly float[][] buffers;
    private readonly List<Line> lines = [];
    private IDecodingPass? pass;
    private IDecodingState? state;

    /// <summary>A scheduler for a causal model.</summary>
    internal BatchScheduler(ICausalLanguageModel model, EngineOptions options)
        : this(new CausalDecoding(model), options) => causal = model;

    /// <summary>A scheduler for any decoding.</summary>
    internal BatchScheduler(IDecoding decoding, EngineOptions options)
    {
        (this.decoding, this.options) = (decoding, options);
        scratches = [.. Enumerable.Range(0, LogitWork.MostWorkers).Select(_ => new SamplingScratch())];
        buffers = [.. scratches.Select(_ => new float[decoding.VocabularySize])];
    }

    public int Running => lines.Count(line => !line.Reported);

    public EngineStatistics Statistics { get; private set; } = new();

    public IEnumerable<EngineRow> RowsOf(long id, EngineRequest request)
    {
        if (request is not (GenerationRequest or ScoringRequest)) throw EngineFaults.NoSuchRequest(request);
        decoding.Check(request.Tokens, (int)id);
        if (request is GenerationRequest generation)
            return Enumerable.Range(0, generation.Samples).Select(sample => new EngineRow(id, request, sample, decoding.Beginning(request.Tokens), decoding.Room(request.Tokens)));
        var labels = ((ScoringRequest)request).Labels;
        if (causal is null) throw EngineFaults.NoScoring();
        labels.Check(decoding.VocabularySize);
        DecodingInput.CheckRoom(request.Tokens, labels.Trie.MaxDepth, $"Prompt {id}", causal);
        return [new EngineRow(id, request, 0, request.Tokens, 0)];
    }

    public void Step(LinkedList<EngineRow> waiting, List<EngineRow> finished)
    {
        if (lines.Count == 0 && waiting.First is { } first)
        {
            if (first.Value.Scores is not null)
            {
                Score(waiting, finished);
                return;
            }

            Begin(waiting);
        }
        else if (state is not null)
        {
            Next();
        }

        if (state is null) return;
        Pick();
        Statistics = Statistics with { Steps = Statistics.Steps + 1, PeakRows = Math.Max(Statistics.PeakRows, Running) };
        foreach (var line in lines.Where(line => !line.Reported && (line.Row.Fault is not null || line.Row.Stop!.Finished is not null)))
        {
            line.Reported = true;
            finished.Add(line.Row);
        }

        if (lines.All(line => line.Reported)) End();
    }

    public void Drop(Func<EngineRow, bool> which)
    {
        foreach (var line in lines.Where(line => which(line.Row))) line.Reported = true;
        if (lines.Count > 0 && lines.All(line => line.Reported)) End();
    }

    public void Dispose() => End();

    private void End()
    {
        state?.Dispose();
        pass?.Dispose();
        (state, pass) = (null, null);
        lines.Clear();
    }

    private void Begin(LinkedList<EngineRow> waiting)
    {
        // All samples of a text go on from one line of the first pass.
        var requests = waiting.TakeWhile(row => row.Scores is null).GroupBy(row => row.Id).Select(group => group.ToList()).ToList();
        List<(IReadOnlyList<int> Tokens, int Rows)> texts = [.. requests.Select(rows => (rows[0].Request.Tokens, rows.Count))];
        // The batch of the row that has waited longest.
        var chosen = DecodingInput.Batches(decoding, texts, options.MaxRows, text => RoomOf(requests[text][0])).First(batch => batch.Contains(0));
        for (var i = 0; i < chosen.Count; i++)
        {
            foreach (var row in requests[chosen[i]])
            {
                waiting.Remove(row);
                lines.Add(new Line(row, i));
                Statistics = Statistics with { PromptTokens = Statistics.PromptTokens + row.Request.Tokens.Count };
            }
        }

        pass = decoding.Begin([.. chosen.Select(index => texts[index].Tokens)]);
        state = pass.Run([.. chosen.Select(index => texts[index].Tokens)], lines.Max(line => RoomOf(line.Row)));
    }

    private int RoomOf(EngineRow row) => Math.Min(row.Settings.Stop.MaxNewTokens, decoding.Room(row.Request.Tokens));

    private void Next()
    {
        var gone = lines.Count(line => line.Reported);
        // Several samples of a prompt get a line of their own after the first token.
        if (gone * CompactionShare >= lines.Count || lines.Count != state!.Rows)
        {
            if (gone * CompactionShare >= lines.Count) lines.RemoveAll(line => line.Reported);
            state!.Keep([.. lines.Select(line => (long)line.Place)]);
            for (var i = 0; i < lines.Count; i++) lines[i].Place = i;
        }

        state!.Step([.. lines.Select(line => (long)line.Row.Tokens[^1])]);
    }

    private void Pick()
    {
        using var scope = torch.NewDisposeScope();
        var logits = new LogitRows(state!.Logits);
        LogitWork.Run(lines.Count * (long)decoding.VocabularySize, lines.Count, scratches.Length, (worker, workers) =>
        {
            for (var i = worker; i < lines.Count; i += workers)
            {
                if (lines[i].Reported || lines[i].Row.Stop!.Finished is not null) continue;
                // Several samples of a prompt begin with the same logits, so they are not overwritten.
                var line = lines[i];
                line.Row.Try(() =>
                {
                    logits.CopyTo(line.Place, buffers[worker]);
                    _ = line.Row.Append(line.Row.Pick(buffers[worker], scratches[worker]));
                });
            }
        });
        Statistics = Statistics with { NewTokens = Statistics.NewTokens + Running };
    }

    private void Score(LinkedList<EngineRow> waiting, List<EngineRow> finished)
    {
        var labels = ((ScoringRequest)waiting.First!.Value.Request).Labels;
        var rows = waiting.TakeWhile(row => row.Request is ScoringRequest scoring && scoring.Labels == labels).OrderBy(row => row.Tokens.Count).Take(options.MaxRows).ToList();
        foreach (var row in rows) waiting.Remove(row);
        new BatchScoring(causal!, labels).Score([.. rows.Select(row => (row.Request.Tokens, row.Scores!))]);
        finished.AddRange(rows);
        Statistics = Statistics with { Steps = Statistics.Steps + 1, PeakRows = Math.Max(Statistics.PeakRows, rows.Count), PromptTokens = Statistics.PromptTokens + rows.Sum(row => (long)row.Tokens.Count) };
    }

    /// <summary>A text that is being generated, and the line of the logits that belongs to it.</summary>
    private sealed class Line(EngineRow row, int place)
    {
        internal EngineRow Row { get; } = row;

        internal int Place { get; set; } = place;

        internal bool Reported { get; set; }
    }
}
