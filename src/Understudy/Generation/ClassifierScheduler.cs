using System.Runtime.InteropServices;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>Rows of a classifier: packed one after the other without padding, or where the model cannot be packed padded to batches of similar length.</summary>
internal sealed class ClassifierScheduler : IRowScheduler
{
    private readonly ISequenceClassifier model;
    private readonly PackedModel? packed;
    private readonly EngineOptions options;
    private readonly int vocabulary;
    private readonly int padding;
    private readonly int types;
    private readonly StepBatch batch = new();
    private readonly List<int> pages = [];

    /// <summary>A scheduler for a classifier.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">Limits.</param>
    internal ClassifierScheduler(ISequenceClassifier model, EngineOptions options)
    {
        (this.model, this.options, packed) = (model, options, PackedModel.Of(model));
        var config = model.ToConfigJson();
        vocabulary = config["vocab_size"]?.GetValue<int>() ?? int.MaxValue;
        types = config["type_vocab_size"]?.GetValue<int>() ?? 1;
        padding = config["pad_token_id"]?.GetValue<int>() ?? 0;
    }

    // A step computes its rows to the end.
    public int Running => 0;

    public EngineStatistics Statistics { get; private set; } = new();

    public IEnumerable<EngineRow> RowsOf(long id, EngineRequest request)
    {
        if (request is not ClassificationRequest { Tokens: var tokens } asked) throw new ArgumentException($"A classifier takes a {nameof(ClassificationRequest)}, found a {request.GetType().Name}.");
        if (tokens.Count == 0) throw new ArgumentException($"Text {id} has no tokens. Let the tokenizer add its special tokens.");
        if (tokens.Count > model.MaxLength) throw new ArgumentException($"Text {id} has {tokens.Count} tokens, the model takes at most {model.MaxLength}. Shorten it.");
        if (asked.TokenTypes.Count > 0 && asked.TokenTypes.Count != tokens.Count) throw new ArgumentException($"Text {id} has {tokens.Count} tokens and {asked.TokenTypes.Count} token types. Give as many, or none.");
        if (asked.TokenTypes.FirstOrDefault(type => (uint)type >= (uint)types) is not 0 and var type)
            throw new ArgumentException($"Text {id} has a token of type {type}, the model knows {types}. Give types from 0 on, or none.");
        DecodingInput.CheckTokens(tokens, $"Text {id}", vocabulary);
        return [new EngineRow(id, request, 0, tokens, 0)];
    }

    public void Step(LinkedList<EngineRow> waiting, List<EngineRow> finished)
    {
        if (waiting.Count == 0) return;
        var rows = packed is null ? Alike(waiting) : Next(waiting);
        var logits = (packed is null ? Padded(rows) : Packed(rows)).to(ScalarType.Float32, Device.CPU).ToArray<float>();   // [rows, classes]
        var classes = logits.Length / rows.Count;
        for (var i = 0; i < rows.Count; i++)
        {
            rows[i].Logits = logits[(i * classes)..((i + 1) * classes)];
            finished.Add(rows[i]);
        }

        Statistics = Statistics with
        {
            Steps = Statistics.Steps + 1,
            PromptTokens = Statistics.PromptTokens + rows.Sum(row => (long)row.Tokens.Count),
            PeakRows = Math.Max(Statistics.PeakRows, rows.Count),
            PeakCacheBytes = Math.Max(Statistics.PeakCacheBytes, pages.Count * (packed?.Cache.PageBytes ?? 0)),
        };
    }

    public void Drop(Func<EngineRow, bool> which)
    {
    }

    public void Dispose()
    {
    }

    /// <summary>The first rows, as many as one step takes.</summary>
    private List<EngineRow> Next(LinkedList<EngineRow> waiting)
    {
        var rows = new List<EngineRow>();
        for (var tokens = 0; waiting.First is { Value: var row } && (rows.Count == 0 || tokens + row.Tokens.Count <= options.PromptTokensPerStep); tokens += row.Tokens.Count)
        {
            rows.Add(row);
            waiting.RemoveFirst();
        }

        return rows;
    }

    /// <summary>The first row and those whose lengths are nearest to its own.</summary>
    private List<EngineRow> Alike(LinkedList<EngineRow> waiting)
    {
        var length = waiting.First!.Value.Tokens.Count;
        List<EngineRow> rows = [.. waiting.OrderBy(row => Math.Abs(row.Tokens.Count - length)).Take(options.MaxRows)];
        foreach (var row in rows) waiting.Remove(row);
        return rows;
    }

    private Tensor Packed(List<EngineRow> rows)
    {
        batch.Clear();
        pages.Clear();
        var longest = 0;
        var last = ((IStepModel)model).StepReadsLast;
        foreach (var row in rows)
        {
            var begin = pages.Count;
            for (var i = 0; i < PagePool.PagesOf(row.Tokens.Count); i++) pages.Add(pages.Count);
            int[] types = [.. ((ClassificationRequest)row.Request).TokenTypes];
            var first = batch.Add(CollectionsMarshal.AsSpan(row.Tokens), 0, CollectionsMarshal.AsSpan(pages)[begin..], tokenTypes: types);
            batch.Select(last ? first + row.Tokens.Count - 1 : first);
            longest = Math.Max(longest, row.Tokens.Count);
        }

        // Nothing of a classifier's cache outlives a step.
        packed!.Cache.Reserve(pages.Count);
        var logits = torch.empty([rows.Count, packed.Outputs], ScalarType.Float32);
        packed.Run(batch, longest, logits);
        return logits;
    }

    private Tensor Padded(List<EngineRow> rows)
    {
        var device = model.Parameters[0].Value.device;
        var (ids, mask) = DecodingInput.Pad([.. rows.Select(row => row.Request.Tokens)], padding);
        var types = rows.Exists(row => ((ClassificationRequest)row.Request).TokenTypes.Any(type => type != 0))
            ? DecodingInput.Pad([.. rows.Select(row => ((ClassificationRequest)row.Request).TokenTypes is { Count: > 0 } own ? own : new int[row.Tokens.Count])], 0).Ids
            : null;
        return model.Forward(ids.to(device), mask?.to(device), types?.to(device));
    }
}
