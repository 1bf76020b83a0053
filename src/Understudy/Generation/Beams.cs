using System.Numerics.Tensors;

namespace Understudy.Generation;

/// <summary>The beam search of one prompt: texts that are followed, and texts that have ended. Scores are single precision, as the reference's.</summary>
internal sealed class Beams
{
    // What the reference begins with where there is no text yet; nothing at or below it counts as one.
    private const float NoScore = -1e9f;

    private readonly int begin;
    private readonly int limit;
    private readonly BeamSearchOptions options;
    private readonly StopCondition stop;
    private readonly int candidateCount;
    private readonly List<(int[] Tokens, float Score)> finished = [];
    private int newTokens;

    /// <summary>A search that begins with one row.</summary>
    /// <param name="prompt">The prompt's number.</param>
    /// <param name="beginning">What every text begins with.</param>
    /// <param name="line">The line of the first logits.</param>
    /// <param name="limit">The most new tokens.</param>
    /// <param name="options">The search's options, valid.</param>
    /// <param name="stop">When a text ends.</param>
    public Beams(int prompt, int[] beginning, int line, int limit, BeamSearchOptions options, StopCondition stop)
    {
        (Prompt, begin, this.limit, this.options, this.stop) = (prompt, beginning.Length, limit, options, stop);
        // Enough that as many texts go on as there are beams, should every one of them end in every way it can.
        candidateCount = Math.Max(2, 1 + stop.StopTokenIds.Count) * options.NumBeams;
        Running.Add(new Beam(beginning, 0, line));
    }

    /// <summary>The prompt's number.</summary>
    public int Prompt { get; }

    /// <summary>The texts that are followed, best first.</summary>
    public List<Beam> Running { get; } = [];

    /// <summary>Whether the search has ended.</summary>
    public bool IsDone { get; private set; }

    private bool IsFull => finished.Count == options.NumBeams;

    /// <summary>Takes all texts one token further.</summary>
    /// <param name="lines">The logits.</param>
    /// <param name="processors">What changes them.</param>
    /// <param name="buffer">As long as the vocabulary.</param>
    /// <param name="scratch">The processors' buffers.</param>
    /// <exception cref="InvalidDataException">The logits are not numbers, or all tokens are forbidden.</exception>
    public void Advance(LogitRows lines, IReadOnlyList<ILogitsProcessor> processors, float[] buffer, SamplingScratch scratch)
    {
        var candidates = Candidates(lines, processors, buffer, scratch);
        if (candidates.Count == 0 && finished.Count == 0)
            throw new InvalidDataException("Every token is forbidden at this point. Allow some: fewer bad words, or a larger no_repeat_ngram_size.");
        newTokens++;
        List<Beam> next = [];
        var penalty = Power(newTokens);
        for (var rank = 0; rank < candidates.Count; rank++)
        {
            var (score, beam, token) = candidates[rank];
            int[] tokens = [.. Running[beam].Tokens, token];
            if (!Ends(tokens))
            {
                if (next.Count < options.NumBeams) next.Add(new Beam(tokens, score, Running[beam].Line));
            }
            else if (rank < options.NumBeams && score / penalty > NoScore)
            {
                // The rest of the candidates only see to it that enough texts go on.
                finished.Add((tokens, score / penalty));
            }
        }

        List<(int[], float)> best = [.. finished.OrderByDescending(text => text.Score).Take(options.NumBeams)];
        finished.Clear();
        finished.AddRange(best);
        Running.Clear();
        Running.AddRange(next);
        IsDone = Running.Count == 0 || (options.EarlyStopping == BeamStopping.WhenFull && IsFull) || !CanImprove();
    }

    /// <summary>The texts found, best first.</summary>
    public IEnumerable<BeamText> Results() => finished.Take(options.NumReturnSequences).Select((text, rank) =>
    {
        var row = stop.NewRow(limit);
        foreach (var token in text.Tokens.AsSpan(begin)) row.Append(token);
        return new BeamText(Prompt, rank, row.Tokens, row.Text(), text.Score, row.Finished!.Value);
    });

    private bool Ends(int[] tokens) =>
        stop.StopTokenIds.Contains(tokens[^1]) || newTokens >= limit ||
        (stop.StopStrings.Count > 0 && stop.Find(stop.Decode(tokens.AsSpan(begin)), 0) >= 0);

    /// <summary>Whether a text that is followed could still score better than the worst that ended, by the reference's estimate.</summary>
    private bool CanImprove()
    {
        var length = options.EarlyStopping == BeamStopping.Never && options.LengthPenalty > 0 ? limit : newTokens;
        return Running[0].Score / Power(length) > (IsFull ? finished[^1].Score : NoScore);
    }

    private float Power(int length) => (float)Math.Pow(length, options.LengthPenalty);

    /// <summary>The most probable continuations of all texts, best first.</summary>
    private List<(float Score, int Beam, int Token)> Candidates(LogitRows lines, IReadOnlyList<ILogitsProcessor> processors, float[] buffer, SamplingScratch scratch)
    {
        // The worst of those kept is on top; of equal scores the later one is worse.
        var kept = new PriorityQueue<(float Score, int Beam, int Token), (float Score, long Place)>(candidateCount + 1);
        var worst = float.NegativeInfinity;
        for (var beam = 0; beam < Running.Count; beam++)
        {
            LogProbabilities(lines, Running[beam], processors, buffer, scratch);
            for (var token = 0; token < buffer.Length; token++)
            {
                var score = buffer[token];
                // What comes later and is no better than the worst cannot be among the best.
                if (!(score > worst)) continue;
                kept.Enqueue((score, beam, token), (score, -(((long)beam * buffer.Length) + token)));
                if (kept.Count > candidateCount) kept.Dequeue();
                if (kept.Count == candidateCount) worst = kept.Peek().Score;
            }
        }

        var candidates = new List<(float, int, int)>(kept.Count);
        while (kept.Count > 0) candidates.Add(kept.Dequeue());
        candidates.Reverse();
        return candidates;
    }

    /// <summary>Log-probabilities of the tokens that may follow a text, processed, plus the text's own.</summary>
    private void LogProbabilities(LogitRows lines, Beam beam, IReadOnlyList<ILogitsProcessor> processors, float[] buffer, SamplingScratch scratch)
    {
        lines.CopyTo(beam.Line, buffer);
        scratch.Weights(buffer, out var max, out var total);
        if (!double.IsFinite(total) || !float.IsFinite(max))
            throw new InvalidDataException("The model's logits are not numbers (NaN). Its weights are damaged or its training diverged; take an earlier checkpoint.");
        TensorPrimitives.Subtract(buffer, max, buffer);
        TensorPrimitives.Subtract(buffer, (float)Math.Log(total), buffer);
        for (var i = 0; i < processors.Count; i++) processors[i].Process(buffer, new RowTokens(beam.Tokens, begin), scratch);
        TensorPrimitives.Add(buffer, beam.Score, buffer);
    }

    /// <summary>A text that is followed.</summary>
    /// <param name="tokens">All its tokens, the beginning included.</param>
    /// <param name="score">The sum of its log-probabilities.</param>
    /// <param name="line">The line of the logits that belongs to it.</param>
    internal sealed class Beam(int[] tokens, float score, int line)
    {
        public int[] Tokens { get; } = tokens;

        public float Score { get; } = score;

        public int Line { get; set; } = line;
    }
}
