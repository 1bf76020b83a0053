using Understudy.Data;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Random token ids of a training step.</summary>
/// <param name="Rows">The rows; of an encoder-decoder, its sources.</param>
/// <param name="Targets">Targets of an encoder-decoder; else empty.</param>
/// <param name="Classes">A class for each row of a classifier; else empty.</param>
internal sealed record BenchBatch(IReadOnlyList<int[]> Rows, IReadOnlyList<int[]> Targets, long[] Classes)
{
    /// <summary>Tokens of the rows.</summary>
    internal long Tokens => Rows.Sum(row => (long)row.Length);

    /// <summary>Tokens of the targets.</summary>
    internal long TargetTokens => Targets.Sum(row => (long)row.Length);
}

/// <summary>The batches that are measured.</summary>
internal sealed class BenchRows(BenchOptions options)
{
    // One of this many batches is in a round, so that a round has short rows and long ones.
    private const int Stride = 5;

    private readonly SeededRandom random = new(options.Seed);

    /// <summary>A batch of rows of one length.</summary>
    internal BenchBatch Equal() => Batch(Enumerable.Repeat(options.RowLength, options.BatchSize));

    /// <summary>Batches of rows by length, and as many batches of rows of equal length that have as many tokens together.</summary>
    /// <param name="round">Number of the round: the batches of a window of the length grouping are divided among the rounds.</param>
    internal (IReadOnlyList<BenchBatch> ByLength, IReadOnlyList<BenchBatch> Even) Uneven(int round)
    {
        var (shortest, different) = (options.ShortestRow!.Value, options.RowLength - options.ShortestRow.Value + 1);
        var lengths = Enumerable.Range(0, BatchPlan.WindowBatches * options.BatchSize).Select(row => shortest + (row % different)).ToArray();
        var plan = new BatchPlan(lengths, new TrainingOptions { BatchSize = options.BatchSize, GroupByLength = true }, options.Seed);
        var chosen = plan.Epoch(0).Select(step => step[0]).OrderBy(batch => batch.Max(row => lengths[row]))
            .Where((_, at) => at % Stride == round % Stride).ToArray();
        var tokens = chosen.Sum(batch => batch.Sum(row => (long)lengths[row]));
        var rows = chosen.Sum(batch => batch.Length);
        // Some rows must be a token longer than the rest for the sum to be the same; they share batches.
        var even = Enumerable.Range(0, rows).Select(row => (int)(tokens / rows) + (row < tokens % rows ? 1 : 0));
        return ([.. chosen.Select(batch => Batch(batch.Select(row => lengths[row])))], [.. even.Chunk(options.BatchSize).Select(Batch)]);
    }

    /// <summary>Prompts of a generation.</summary>
    internal IEnumerable<int[]> Prompts() => Enumerable.Range(0, options.GenerationRows).Select(_ => Row(options.PromptLength)).ToList();

    private BenchBatch Batch(IEnumerable<int> lengths)
    {
        int[][] rows = [.. lengths.Select(Row)];
        return options.Architecture.Family switch
        {
            BenchFamily.GptNeox => new(rows, [], []),
            BenchFamily.Bart => new(rows, [.. rows.Select(_ => Row(options.TargetLength))], []),
            _ => new(rows, [], [.. rows.Select(_ => (long)random.NextInt(2))]),
        };
    }

    // The models' padding token is 0, and a row has none.
    private int[] Row(int length) => [.. Enumerable.Range(0, length).Select(_ => 1 + random.NextInt(options.VocabSize - 1))];
}
