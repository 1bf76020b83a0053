using Understudy.Data;
using Understudy.Generation;

namespace Understudy.Recipes;

/// <summary>How long it takes to write texts that end at different lengths.</summary>
internal static class PlanWriting
{
    /// <summary>Seconds of some rounds, each with every prompt once.</summary>
    /// <param name="prompts">The prompts of a round.</param>
    /// <param name="lengths">New tokens that texts have; drawn from.</param>
    /// <param name="rounds">Rounds.</param>
    /// <param name="batchSize">Texts written at once.</param>
    /// <param name="prompting">Seconds of a batch's prompts by their tokens.</param>
    /// <param name="stepping">Seconds of a token for every row by the number of rows.</param>
    public static double Seconds(IReadOnlyList<GenerationPrompt> prompts, IReadOnlyList<int> lengths, int rounds, int batchSize, BatchTimes prompting, BatchTimes stepping)
    {
        // Rounds are alike.
        const int Drawn = 3;
        var random = new SeededRandom(1);
        var seconds = 0.0;
        for (var round = 0; round < Math.Min(rounds, Drawn); round++)
        {
            seconds += prompting.Seconds(prompts.Sum(prompt => (double)prompt.Tokens.Count));
            // As the engine does it: a text that has ended makes room for the next one.
            var waiting = new Queue<int>(prompts.SelectMany(prompt => Enumerable.Range(0, prompt.Samples)).Select(_ => lengths[random.NextInt(lengths.Count)]));
            List<int> left = [];
            while (true)
            {
                while (left.Count < batchSize && waiting.TryDequeue(out var next)) left.Add(next);
                // The first token comes of the prompt.
                left = [.. left.Select(length => length - 1).Where(length => length > 0)];
                if (left.Count == 0 && waiting.Count == 0) break;
                if (left.Count > 0) seconds += stepping.Seconds(left.Count);
            }
        }

        return seconds * rounds / Math.Max(1, Math.Min(rounds, Drawn));
    }
}
