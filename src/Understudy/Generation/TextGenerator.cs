using System.Runtime.InteropServices;
using Understudy.Data;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>
/// Continues prompts with a causal language model, or makes targets for sources with an encoder-decoder. Keys and values are kept in a cache allocated
/// once for a batch, prompts of similar length share a batch, and rows that have ended leave it. Not thread-safe.
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

    private readonly IDecoding decoding;
    private readonly StopCondition stop;
    private readonly Sampler[] samplers;
    private readonly float[][] buffers;

    /// <summary>A generator.</summary>
    /// <param name="model">The model; dropout is expected to be off.</param>
    /// <param name="processors">What changes the logits, in order.</param>
    /// <param name="doSample">Whether tokens are drawn; otherwise the most probable one is taken.</param>
    /// <param name="stop">When a text ends.</param>
    public TextGenerator(ICausalLanguageModel model, IReadOnlyList<ILogitsProcessor> processors, bool doSample, StopCondition stop)
        : this(new CausalDecoding(model), processors, doSample, stop)
    {
    }

    /// <summary>A generator of targets; a prompt's tokens are those of its source, and what it generates does not hold the token that every target begins with.</summary>
    /// <param name="model">The model; dropout is expected to be off.</param>
    /// <param name="processors">What changes the logits, in order.</param>
    /// <param name="doSample">Whether tokens are drawn; otherwise the most probable one is taken.</param>
    /// <param name="stop">When a text ends.</param>
    /// <param name="decoderStartTokenId">Id that targets begin with; null for the model's own.</param>
    public TextGenerator(ISequenceToSequenceModel model, IReadOnlyList<ILogitsProcessor> processors, bool doSample, StopCondition stop, int? decoderStartTokenId = null)
        : this(new SequenceToSequenceDecoding(model, decoderStartTokenId), processors, doSample, stop)
    {
    }

    private TextGenerator(IDecoding decoding, IReadOnlyList<ILogitsProcessor> processors, bool doSample, StopCondition stop)
    {
        (this.decoding, this.stop) = (decoding, stop);
        var workers = Math.Max(1, Math.Min(Environment.ProcessorCount, torch.get_num_threads()));
        samplers = [.. Enumerable.Range(0, workers).Select(_ => new Sampler(processors, doSample))];
        buffers = [.. samplers.Select(_ => new float[decoding.VocabularySize])];
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
        using var pass = decoding.Begin([.. prompts.Select(prompt => prompt.Tokens)]);
        foreach (var batch in DecodingInput.Batches(decoding, [.. prompts.Select(prompt => (prompt.Tokens, prompt.Samples))], batchSize, Room))
        {
            foreach (var text in RunBatch(pass, prompts, batch, cancellation)) yield return text;
        }
    }

    /// <summary>Tokens that may follow a prompt.</summary>
    private int Room(IReadOnlyList<int> prompt) => Math.Min(stop.MaxNewTokens, decoding.Room(prompt));

    private List<GeneratedText> RunBatch(IDecodingPass pass, IReadOnlyList<GenerationPrompt> prompts, List<int> batch, CancellationToken cancellation)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var rows = batch.SelectMany((index, line) => Rows(prompts[index], index, line)).ToList();
        using var state = pass.Run([.. batch.Select(index => prompts[index].Tokens)], batch.Max(index => Room(prompts[index].Tokens)));
        var results = new List<GeneratedText>(rows.Count);
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            PickTokens(rows, state.Logits);
            foreach (var row in rows.Where(row => row.Stop.Finished is not null && !row.Reported))
            {
                row.Reported = true;
                results.Add(new GeneratedText(row.Prompt, row.Sample, row.Stop.Tokens, row.Stop.Text(), row.Stop.Finished!.Value));
            }

            var finished = rows.Count(row => row.Reported);
            if (finished == rows.Count) return results;
            // Several samples of a prompt get a line of their own after the first token.
            if (finished * CompactionShare >= rows.Count || rows.Count != state.Rows)
            {
                if (finished * CompactionShare >= rows.Count) rows.RemoveAll(row => row.Reported);
                state.Keep([.. rows.Select(row => (long)row.Line)]);
                for (var i = 0; i < rows.Count; i++) rows[i].Line = i;
            }

            state.Step([.. rows.Select(row => (long)row.Tokens[^1])]);
        }
    }

    private IEnumerable<Row> Rows(GenerationPrompt prompt, int index, int line)
    {
        var random = new SeededRandom(prompt.Seed);
        for (var sample = 0; sample < prompt.Samples; sample++)
            yield return new Row(index, sample, line, [.. decoding.Beginning(prompt.Tokens)], random.Fork("sample", sample), stop.NewRow(Room(prompt.Tokens)));
    }

    /// <summary>Gives every row that goes on its next token.</summary>
    private void PickTokens(List<Row> rows, Tensor logits)
    {
        using var scope = torch.NewDisposeScope();
        var lines = new LogitRows(logits);
        LogitWork.Run(rows.Count * (long)decoding.VocabularySize, rows.Count, samplers.Length, (worker, workers) =>
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
        });
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
}
