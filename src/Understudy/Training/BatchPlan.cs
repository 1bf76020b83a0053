using Understudy.Data;

namespace Understudy.Training;

/// <summary>The rows of a step.</summary>
/// <param name="Batches">Row numbers of every micro-batch.</param>
/// <param name="StepsInEpoch">Steps of its epoch.</param>
public sealed record StepRows(int[][] Batches, int StepsInEpoch);

/// <summary>The batches of a step, laid out.</summary>
/// <param name="Batches">Its micro-batches.</param>
/// <param name="Weight">What all of them weigh together: the loss of the step is the sum of their losses over this, whatever each of them weighs.</param>
/// <param name="Tokens">Real tokens in all of them.</param>
/// <param name="StepsInEpoch">Steps of its epoch.</param>
/// <typeparam name="TBatch">A micro-batch, without tensors.</typeparam>
public sealed record StepBatches<TBatch>(IReadOnlyList<TBatch> Batches, double Weight, long Tokens, int StepsInEpoch);

/// <summary>Which rows make up which step of an epoch. The same lengths, options and seed give the same plan.</summary>
public sealed class BatchPlan
{
    // Rows are sorted by length inside windows of this many batches: nearly all of the padding is saved, and the order
    // stays random from window to window.
    internal const int WindowBatches = 50;

    private readonly int[] lengths;
    private readonly TrainingOptions options;
    private readonly SeededRandom random;

    /// <summary>A plan over rows.</summary>
    /// <param name="lengths">Tokens of every row.</param>
    /// <param name="options">Batch size, token budget, accumulation, grouping by length.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <exception cref="ArgumentException">There are no rows.</exception>
    public BatchPlan(IReadOnlyList<int> lengths, TrainingOptions options, long seed)
    {
        ArgumentNullException.ThrowIfNull(lengths);
        if (lengths.Count == 0)
        {
            throw new ArgumentException("There are no rows to train on.", nameof(lengths));
        }

        this.lengths = [.. lengths];
        this.options = options;
        random = new SeededRandom(seed).Fork("batches");
    }

    /// <summary>The steps of an epoch; each holds <see cref="TrainingOptions.GradientAccumulationSteps"/> micro-batches of row numbers, the last perhaps fewer.</summary>
    /// <param name="epoch">Number of the epoch, from 0.</param>
    public IReadOnlyList<int[][]> Epoch(int epoch)
    {
        var stream = random.Fork("epoch", epoch);
        var order = stream.Permutation(lengths.Length);
        var batches = options.GroupByLength ? Grouped(order) : Cut(order);
        if (options.GroupByLength)
        {
            var places = stream.Permutation(batches.Count);
            batches = [.. places.Select(place => batches[place])];
        }

        return [.. batches.Chunk(options.GradientAccumulationSteps)];
    }

    /// <summary>The steps from where a training stands, epoch after epoch without end. The next epoch is planned when it is come to.</summary>
    /// <param name="progress">Where the training stands.</param>
    public IEnumerable<StepRows> StepsFrom(TrainingProgress progress)
    {
        ArgumentNullException.ThrowIfNull(progress);
        for (var (epoch, done) = (progress.Epoch, progress.StepInEpoch); ; (epoch, done) = (epoch + 1, 0))
        {
            var steps = Epoch(epoch);
            foreach (var step in steps.Skip(done))
            {
                yield return new StepRows(step, steps.Count);
            }
        }
    }

    /// <summary>Steps of the whole training.</summary>
    public int TotalSteps()
    {
        if (options.MaxSteps is { } steps)
        {
            return steps;
        }

        // Without a token budget every epoch has as many batches; with one the number depends on the order.
        var total = options.MaxTokensPerBatch is null
            ? (long)options.Epochs * Epoch(0).Count
            : Enumerable.Range(0, options.Epochs).Sum(epoch => (long)Epoch(epoch).Count);
        return (int)Math.Min(total, int.MaxValue);
    }

    private List<int[]> Grouped(int[] order)
    {
        var batches = new List<int[]>();
        foreach (var window in order.Chunk(WindowBatches * options.BatchSize))
        {
            // A stable sort: rows of one length stay in random order.
            batches.AddRange(Cut([.. window.OrderByDescending(row => lengths[row])]));
        }

        return batches;
    }

    private List<int[]> Cut(int[] rows)
    {
        var batches = new List<int[]>();
        var batch = new List<int>();
        var longest = 0;
        foreach (var row in rows)
        {
            var width = Math.Max(longest, lengths[row]);
            var overBudget = options.MaxTokensPerBatch is { } budget && (long)width * (batch.Count + 1) > budget;
            if (batch.Count > 0 && (batch.Count == options.BatchSize || overBudget))
            {
                batches.Add([.. batch]);
                batch.Clear();
                width = lengths[row];
            }

            batch.Add(row);
            longest = width;
        }

        batches.Add([.. batch]);
        return batches;
    }
}
