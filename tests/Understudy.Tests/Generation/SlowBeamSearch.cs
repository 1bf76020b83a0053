using Understudy.Generation;

namespace Understudy.Tests.Generation;

/// <summary>
/// Beam search as the reference describes it, step by step over whole arrays: every beam is there from the first step on, unlikely ones with a score of -1e9, and nothing is
/// left out or remembered between steps.
/// </summary>
internal static class SlowBeamSearch
{
    private const double None = -1e9;

    /// <summary>The best texts with their scores, new tokens only.</summary>
    /// <param name="logits">Logits of the next token after a row.</param>
    /// <param name="beginning">What rows begin with.</param>
    /// <param name="processors">What changes log-probabilities.</param>
    /// <param name="options">The search's options.</param>
    /// <param name="eos">Tokens that end a text.</param>
    /// <param name="room">The most new tokens.</param>
    public static List<(int[] Tokens, double Score)> Run(Func<int[], float[]> logits, int[] beginning, IReadOnlyList<ILogitsProcessor> processors, BeamSearchOptions options, int[] eos, int room)
    {
        var beams = options.NumBeams;
        var running = Enumerable.Range(0, beams).Select(i => (Tokens: beginning, Score: i == 0 ? 0.0 : None)).ToList();
        var finished = Enumerable.Range(0, beams).Select(_ => (Tokens: Array.Empty<int>(), Score: None, Is: false)).ToList();
        var scratch = new SamplingScratch();
        for (var length = 1; ; length++)
        {
            var all = new List<(int[] Tokens, double Score)>();
            foreach (var (tokens, score) in running)
            {
                var row = logits(tokens);
                var sum = Math.Log(row.Sum(value => Math.Exp(value - row.Max()))) + row.Max();
                float[] probabilities = [.. row.Select(value => (float)(value - sum))];
                foreach (var processor in processors) processor.Process(probabilities, new RowTokens(tokens, beginning.Length), scratch);
                all.AddRange(probabilities.Select((value, token) => ((int[])[.. tokens, token], score + value)));
            }

            var best = all.OrderByDescending(candidate => candidate.Score).Take(Math.Max(2, 1 + eos.Length) * beams).ToList();
            var ends = best.Select(candidate => length == room || eos.Contains(candidate.Tokens[^1])).ToList();
            running = [.. best.Select((candidate, i) => (candidate.Tokens, Score: candidate.Score + (ends[i] ? None : 0))).OrderByDescending(candidate => candidate.Score).Take(beams)];
            var penalty = Math.Pow(length, options.LengthPenalty);
            finished = [.. finished.Concat(best.Select((candidate, i) => (candidate.Tokens, Score: (candidate.Score / penalty) + (ends[i] && i < beams ? 0 : None), Is: ends[i] && i < beams)))
                .OrderByDescending(text => text.Score).Take(beams)];
            var full = finished.All(text => text.Is);
            var bestLength = options is { EarlyStopping: BeamStopping.Never, LengthPenalty: > 0 } ? room : length;
            var worst = full ? finished.Min(text => text.Score) : None;
            var goesOn = running[0].Score / Math.Pow(bestLength, options.LengthPenalty) > worst && !(full && options.EarlyStopping == BeamStopping.WhenFull) && !ends.All(end => end);
            if (!goesOn) return [.. finished.Where(text => text.Is).Take(options.NumReturnSequences).Select(text => (text.Tokens[beginning.Length..], text.Score))];
        }
    }
}
