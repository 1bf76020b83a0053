using System.Runtime.InteropServices;
using Understudy.Data;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>
/// Continues prompts with a causal language model. Keys and values are kept in a cache allocated once for a batch, prompts of similar length share a
/// batch, and rows that have ended leave it. Not thread-safe.
/// </summary>
/// <remarks>
/// Every row draws from a generator of its own and sees nothing of the others, so its text depends on its prompt and seed alone. (Matrix products of
/// other sizes may round differently in the last bit; two tokens would have to be that close for a text to change.)
/// For bfloat16 arithmetic open <see cref="torch.autocast"/> around the calls.
/// </remarks>
public sealed class TextGenerator
{
    // Moving the cache costs about what two or three steps do: worth it once a quarter of the rows has gone.
    private const int CompactionShare = 4;

    // Below this many logits a step, starting another thread costs more than it saves.
    private const int WorthSplitting = 200_000;

    private readonly ICausalLanguageModel model;
    private readonly StopCondition stop;
    private readonly Sampler[] samplers;
    private readonly float[][] buffers;

    /// <summary>A generator.</summary>
    /// <param name="model">The model; dropout is expected to be off.</param>
    /// <param name="processors">What changes the logits, in order.</param>
    /// <param name="doSample">Whether tokens are drawn; otherwise the most probable one is taken.</param>
    /// <param name="stop">When a text ends.</param>
    public TextGenerator(ICausalLanguageModel model, IReadOnlyList<ILogitsProcessor> processors, bool doSample, StopCondition stop)
    {
        (this.model, this.stop) = (model, stop);
        var workers = Math.Max(1, Math.Min(Environment.ProcessorCount, torch.get_num_threads()));
        samplers = [.. Enumerable.Range(0, workers).Select(_ => new Sampler(processors, doSample))];
        buffers = [.. samplers.Select(_ => new float[model.VocabularySize])];
    }

    /// <summary>Generates all continuations, batch by batch; a batch is computed when its first text is asked for.</summary>
    /// <param name="prompts">The prompts. What all of them begin with is computed once.</param>
    /// <param name="batchSize">Continuations computed at once, at least 1; those of one prompt are never split.</param>
    /// <param name="cancellation">Checked before every token.</param>
    /// <returns>The texts, shorter prompts first; <see cref="GeneratedText.Prompt"/> says which prompt one belongs to.</returns>
    /// <exception cref="ArgumentException">A prompt is empty, too long for the model, or holds unknown tokens.</exception>
    /// <exception cref="InvalidDataException">The model's logits are not numbers, or all tokens are forbidden.</exception>
    public IEnumerable<GeneratedText> Generate(IReadOnlyList<GenerationPrompt> prompts, int batchSize = 32, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (prompts.FirstOrDefault(prompt => prompt.Samples < 1) is { } bad) throw new ArgumentException($"Expected at least 1 sample of a prompt, found {bad.Samples}.", nameof(prompts));
        return prompts.Count == 0 ? [] : GenerateBatches(prompts, batchSize, cancellation);
    }

    private IEnumerable<GeneratedText> GenerateBatches(IReadOnlyList<GenerationPrompt> prompts, int batchSize, CancellationToken cancellation)
    {
        using var pass = new PromptPass(model, [.. prompts.Select(prompt => prompt.Tokens)]);
        foreach (var batch in Batches(prompts, batchSize))
        {
            foreach (var text in RunBatch(pass, prompts, batch, cancellation)) yield return text;
        }
    }

    /// <summary>Tokens that may follow a prompt.</summary>
    private int Room(GenerationPrompt prompt) => Math.Min(stop.MaxNewTokens, model.MaxLength - prompt.Tokens.Count);

    /// <summary>Numbers of prompts, of similar length, that share a batch.</summary>
    private IEnumerable<List<int>> Batches(IReadOnlyList<GenerationPrompt> prompts, int batchSize)
    {
        var batch = new List<int>();
        var (rows, room) = (0, 0);
        foreach (var index in Enumerable.Range(0, prompts.Count).OrderBy(i => prompts[i].Tokens.Count))
        {
            var prompt = prompts[index];
            // Padding counts towards the model's length, but must not shorten the text of a short prompt.
            if (batch.Count > 0 && (rows + prompt.Samples > batchSize || prompt.Tokens.Count + Math.Max(room, Room(prompt)) > model.MaxLength))
            {
                yield return batch;
                batch = [];
                (rows, room) = (0, 0);
            }

            batch.Add(index);
            rows += prompt.Samples;
            room = Math.Max(room, Room(prompt));
        }

        yield return batch;
    }

    private List<GeneratedText> RunBatch(PromptPass pass, IReadOnlyList<GenerationPrompt> prompts, List<int> batch, CancellationToken cancellation)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var rows = batch.SelectMany((index, line) => Rows(prompts[index], index, line)).ToList();
        var room = batch.Max(index => Room(prompts[index]));
        var first = pass.Run([.. batch.Select(index => prompts[index].Tokens)], rows.Count == batch.Count ? room : 0);
        using var state = new BatchState(first, rows, room);
        var results = new List<GeneratedText>(rows.Count);
        var logits = first.Logits;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            PickTokens(state.Rows, logits);
            foreach (var row in state.Rows.Where(row => row.Stop.Finished is not null && !row.Reported))
            {
                row.Reported = true;
                results.Add(new GeneratedText(row.Prompt, row.Sample, row.Stop.Tokens, row.Stop.Text(), row.Stop.Finished!.Value));
            }

            var finished = state.Rows.Count(row => row.Reported);
            if (finished == state.Rows.Count) return results;
            if (finished * CompactionShare >= state.Rows.Count) state.DropFinished();
            logits = state.Step(model, logits);
        }
    }

    private IEnumerable<Row> Rows(GenerationPrompt prompt, int index, int line)
    {
        var random = new SeededRandom(prompt.Seed);
        for (var sample = 0; sample < prompt.Samples; sample++)
            yield return new Row(index, sample, line, [.. prompt.Tokens], random.Fork("sample", sample), stop.NewRow(Room(prompt)));
    }

    /// <summary>Gives every row that goes on its next token.</summary>
    private void PickTokens(List<Row> rows, Tensor logits)
    {
        using var scope = torch.NewDisposeScope();
        var lines = new LogitRows(logits);
        var workers = rows.Count * (long)model.VocabularySize < WorthSplitting ? 1 : Math.Min(samplers.Length, rows.Count);
        if (workers == 1)
        {
            Work(0);
            return;
        }

        try
        {
            Parallel.For(0, workers, Work);
        }
        catch (AggregateException e) when (e.InnerException is InvalidDataException inner)
        {
            throw new InvalidDataException(inner.Message, e);
        }

        void Work(int worker)
        {
            for (var i = worker; i < rows.Count; i += workers)
            {
                var row = rows[i];
                if (row.Stop.Finished is not null) continue;
                // Several samples of a prompt begin with the same logits, so they are not overwritten.
                lines.CopyTo(row.Line, buffers[worker]);
                var token = samplers[worker].Pick(buffers[worker], new RowTokens(CollectionsMarshal.AsSpan(row.Tokens), row.PromptLength), row.Random);
                row.Tokens.Add(token);
                row.Stop.Append(token);
            }
        }
    }

    /// <summary>A continuation that is being generated.</summary>
    private sealed class Row(int prompt, int sample, int line, List<int> tokens, SeededRandom random, StopMatcher stop)
    {
        public int Prompt { get; } = prompt;

        public int Sample { get; } = sample;

        /// <summary>The line of the logits that belongs to it.</summary>
        public int Line { get; set; } = line;

        public List<int> Tokens { get; } = tokens;

        public int PromptLength { get; } = tokens.Count;

        public SeededRandom Random { get; } = random;

        public StopMatcher Stop { get; } = stop;

        public bool Reported { get; set; }
    }

    /// <summary>The rows of a batch and what the model knows of them.</summary>
    private sealed class BatchState : IDisposable
    {
        private readonly int promptLength;
        private KeyValueCache cache;
        private Tensor? mask;

        public BatchState(PromptBatch prompts, List<Row> rows, int room)
        {
            (Rows, promptLength, cache, mask) = (rows, prompts.Length, prompts.Cache, prompts.Mask);
            if (cache.Capacity >= promptLength + room) return;

            // Several samples: from here on every row has its own line of the cache.
            long[] lines = [.. rows.Select(row => (long)row.Line)];
            using var scope = torch.NewDisposeScope();
            using (prompts.Cache) cache = prompts.Cache.Select(lines, promptLength + room);
            if (mask is null) return;
            var future = torch.ones([rows.Count, room], ScalarType.Int64, mask.device);
            mask = scope.MoveToOuter(torch.cat([mask.index_select(0, torch.tensor(lines).to(mask.device)), future], 1));
        }

        public List<Row> Rows { get; private set; }

        /// <summary>Lets the rows that have ended leave.</summary>
        public void DropFinished()
        {
            long[] stay = [.. Enumerable.Range(0, Rows.Count).Where(i => !Rows[i].Reported)];
            cache.Keep(stay);
            if (mask is not null)
            {
                using var scope = torch.NewDisposeScope();
                var old = mask;
                mask = scope.MoveToOuter(mask.index_select(0, torch.tensor(stay).to(mask.device)));
                old.Dispose();
            }

            Rows = [.. stay.Select(i => Rows[(int)i])];
        }

        /// <summary>Computes the newest token of every row. The logits before are freed.</summary>
        public Tensor Step(ICausalLanguageModel model, Tensor before)
        {
            var device = before.device;
            before.Dispose();
            using var scope = torch.NewDisposeScope();
            for (var i = 0; i < Rows.Count; i++) Rows[i].Line = i;
            var ids = torch.tensor(Rows.Select(row => (long)row.Tokens[^1]).ToArray(), Rows.Count, 1).to(device);
            var hidden = model.Hidden(ids, mask?.narrow(1, 0, cache.Length + 1), cache);
            return scope.MoveToOuter(model.Logits(hidden).view(Rows.Count, model.VocabularySize));
        }

        public void Dispose() => cache.Dispose();
    }
}
