using Understudy.Data;
using Understudy.Generation;

namespace Understudy.Recipes;

/// <summary>How long it takes to write texts that end at different lengths.</summary>
internal static class PlanWriting
{
    // As TextGenerator does it: the rows that have ended leave once they are a quarter of the batch.
    private const int CompactionShare = 4;

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
            foreach (var batch in prompts.OrderBy(prompt => prompt.Tokens.Count).Chunk(Math.Max(1, batchSize / prompts[0].Samples)))
            {
                seconds += prompting.Seconds((double)batch.Length * batch.Max(prompt => prompt.Tokens.Count));
                List<int> left = [.. Enumerable.Range(0, batch.Sum(prompt => prompt.Samples)).Select(_ => lengths[random.NextInt(lengths.Count)])];
                for (var token = 1; left.Count > 0; token++)
                {
                    var ended = left.Count(length => length <= token);
                    if (ended == left.Count) break;
                    if (ended * CompactionShare >= left.Count) left.RemoveAll(length => length <= token);
                    seconds += stepping.Seconds(left.Count);
                }
            }
        }

        return seconds * rounds / Math.Max(1, Math.Min(rounds, Drawn));
    }
}
