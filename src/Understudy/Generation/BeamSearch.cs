using Understudy.Data;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>One text that beam search found.</summary>
/// <param name="Prompt">The number of the prompt in the list that was given.</param>
/// <param name="Rank">Its place among the prompt's texts, 0 for the best.</param>
/// <param name="Tokens">The new tokens, one that ended the text included.</param>
/// <param name="Text">The new text, without the end: up to the first stop string, without special tokens.</param>
/// <param name="Score">The sum of the log-probabilities of its new tokens, after the logits processors, divided by their number to the power of the length penalty.</param>
/// <param name="Reason">Why it ended.</param>
public sealed record BeamText(int Prompt, int Rank, IReadOnlyList<int> Tokens, string Text, double Score, FinishReason Reason);

/// <summary>
/// Beam search over the continuations of prompts by a causal model, or over an encoder-decoder's targets; the algorithm of transformers 5 (<c>_beam_search</c>).
/// Not thread-safe.
/// </summary>
/// <remarks>
/// Logits become log-probabilities before the processors see them, as in the reference: a repetition penalty multiplies them.
/// A prompt's texts depend on it alone, whatever else is in the batch. Of equal scores the earlier beam and the lower token go first.
/// </remarks>
public sealed class BeamSearch
{
    private readonly IDecoding decoding;
    private readonly IPretrainedModel model;
    private readonly IReadOnlyList<ILogitsProcessor> processors;
    private readonly BeamSearchOptions options;
    private readonly StopCondition stop;
    private readonly (float[] Logits, SamplingScratch Scratch)[] workers;

    /// <summary>A search over continuations of prompts.</summary>
    /// <param name="model">The model; dropout is expected to be off.</param>
    /// <param name="processors">What changes the log-probabilities, in order; see <see cref="LogitsProcessors.From"/>, without sampling.</param>
    /// <param name="options">Beams, length penalty and the like.</param>
    /// <param name="stop">When a text ends.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public BeamSearch(ICausalLanguageModel model, IReadOnlyList<ILogitsProcessor> processors, BeamSearchOptions options, StopCondition stop)
        : this(new CausalDecoding(model), model, processors, options, stop)
    {
    }

    /// <summary>A search over targets of sources.</summary>
    /// <param name="model">The model; dropout is expected to be off.</param>
    /// <param name="processors">What changes the log-probabilities, in order; see <see cref="LogitsProcessors.From"/>, without sampling.</param>
    /// <param name="options">Beams, length penalty and the like.</param>
    /// <param name="stop">When a text ends.</param>
    /// <param name="decoderStartTokenId">Id that targets begin with; null for the model's own.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public BeamSearch(ISequenceToSequenceModel model, IReadOnlyList<ILogitsProcessor> processors, BeamSearchOptions options, StopCondition stop, int? decoderStartTokenId = null)
        : this(new SequenceToSequenceDecoding(model, decoderStartTokenId), model, processors, options, stop)
    {
    }

    private BeamSearch(IDecoding decoding, IPretrainedModel model, IReadOnlyList<ILogitsProcessor> processors, BeamSearchOptions options, StopCondition stop)
    {
        List<OptionFault> faults = [.. options.Validate()];
        if (faults.Count > 0) throw new ArgumentException(string.Join(" ", faults), nameof(options));
        (this.decoding, this.model, this.processors, this.options, this.stop) = (decoding, model, processors, options, stop);
        workers = [.. Enumerable.Range(0, LogitWork.MostWorkers).Select(_ => (new float[decoding.VocabularySize], new SamplingScratch()))];
    }

    /// <summary>Searches for all prompts, batch by batch; a batch is computed when its first text is asked for.</summary>
    /// <param name="prompts">Tokens of the prompts, or of the sources.</param>
    /// <param name="batchSize">Prompts times beams that are computed at once, at least 1; the beams of one prompt are never split.</param>
    /// <param name="cancellation">Checked before every token.</param>
    /// <returns><see cref="BeamSearchOptions.NumReturnSequences"/> texts of each prompt, best first, fewer where processors leave too few possible; shorter prompts first.</returns>
    /// <exception cref="ArgumentException">A prompt is empty, too long for the model, or holds unknown tokens.</exception>
    /// <exception cref="InvalidDataException">The model's logits are not numbers, or all tokens are forbidden.</exception>
    public IEnumerable<BeamText> Generate(IReadOnlyList<IReadOnlyList<int>> prompts, int batchSize = 32, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        return prompts.Count == 0 ? [] : GenerateBatches(prompts, batchSize, cancellation);
    }

    private IEnumerable<BeamText> GenerateBatches(IReadOnlyList<IReadOnlyList<int>> prompts, int batchSize, CancellationToken cancellation)
    {
        var rows = PackedModel.Of(model) is { } packed ? new PackedDecoding(decoding, packed, ofSources: model is ISequenceToSequenceModel) : decoding;
        using var pass = rows.Begin(prompts);
        foreach (var batch in DecodingInput.Batches(rows, [.. prompts.Select(prompt => (prompt, options.NumBeams))], batchSize, text => Room(prompts[text])))
        {
            foreach (var text in RunBatch(pass, prompts, batch, cancellation)) yield return text;
        }
    }

    private int Room(IReadOnlyList<int> prompt) => Math.Min(stop.MaxNewTokens, decoding.Room(prompt));

    private List<BeamText> RunBatch(IDecodingPass pass, IReadOnlyList<IReadOnlyList<int>> prompts, List<int> batch, CancellationToken cancellation)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var searches = batch.Select((index, line) => new Beams(index, [.. decoding.Beginning(prompts[index])], line, Room(prompts[index]), options, stop)).ToList();
        using var state = pass.Run([.. batch.Select(index => prompts[index])], batch.Max(index => Room(prompts[index])));
        var results = new List<BeamText>();
        // The text that each row of the state belongs to.
        List<int> owners = batch;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            Advance(searches, state.Logits);
            foreach (var search in searches.Where(search => search.IsDone)) results.AddRange(search.Results());
            searches.RemoveAll(search => search.IsDone);
            if (searches.Count == 0) return results;

            var rows = searches.SelectMany(search => search.Running).ToList();
            var before = owners;
            owners = [.. searches.SelectMany(search => Enumerable.Repeat(search.Prompt, search.Running.Count))];
            state.Keep([.. rows.Select(row => (long)row.Line)], owners.SequenceEqual(before));
            for (var i = 0; i < rows.Count; i++) rows[i].Line = i;
            state.Step([.. rows.Select(row => (long)row.Tokens[^1])]);
        }
    }

    /// <summary>Takes every text one token further.</summary>
    private void Advance(List<Beams> searches, Tensor logits)
    {
        using var scope = torch.NewDisposeScope();
        var lines = new LogitRows(logits);
        LogitWork.Run(lines.Count * (long)decoding.VocabularySize, searches.Count, workers.Length, (worker, used) =>
        {
            for (var i = worker; i < searches.Count; i += used) searches[i].Advance(lines, processors, workers[worker].Logits, workers[worker].Scratch);
        });
    }
}
