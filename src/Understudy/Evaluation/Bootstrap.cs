using Understudy.Data;

namespace Understudy.Evaluation;

/// <summary>
/// Percentile bootstrap intervals (Efron, 1979): the figure is computed anew on samples of as many rows, drawn with
/// replacement, and the interval is what lies between the tails of those values. Equal generators give equal intervals.
/// </summary>
public static class Bootstrap
{
    /// <summary>The fewest resamples that give the ends of a 95% interval any meaning.</summary>
    public const int FewestResamples = 100;

    /// <summary>The interval of a mean over rows: an accuracy from 0s and 1s, a difference between two models' accuracies from -1s, 0s and 1s (paired: a resample has the same rows for both).</summary>
    /// <param name="values">One finite value for each row; at least one row.</param>
    /// <param name="resamples">At least <see cref="FewestResamples"/>.</param>
    /// <param name="random">Where the resamples come from.</param>
    /// <param name="confidence">Above 0 and below 1.</param>
    /// <exception cref="ArgumentException">There are no values, or an argument is out of its range.</exception>
    public static ConfidenceInterval OfMean(IReadOnlyList<double> values, int resamples, SeededRandom random, double confidence = 0.95)
    {
        if (!values.All(double.IsFinite))
            throw new ArgumentException("Expected finite values.", nameof(values));
        var own = values.ToArray();
        return Percentile(own.Length, resamples, random, confidence, rows =>
        {
            var sum = 0.0;
            foreach (var row in rows)
                sum += own[row];
            return sum / rows.Length;
        });
    }

    /// <summary>
    /// The interval of the macro-F1. A class that a resample happens to have no row of, neither by label nor by prediction,
    /// is left out of that resample's mean: counted as 0, rare classes would pull the interval below the figure it is for.
    /// A class without any row at all counts as 0, as in <see cref="ClassificationMetrics.MacroF1"/>.
    /// </summary>
    /// <param name="labels">True class indices, each from 0 to <paramref name="classes"/> - 1; at least one.</param>
    /// <param name="predictions">Predicted class indices, as many as there are labels.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="resamples">At least <see cref="FewestResamples"/>.</param>
    /// <param name="random">Where the resamples come from.</param>
    /// <param name="confidence">Above 0 and below 1.</param>
    /// <exception cref="ArgumentException">The lists are empty or of different lengths, hold an index out of range, or an argument is out of its range.</exception>
    public static ConfidenceInterval OfMacroF1(IReadOnlyList<int> labels, IReadOnlyList<int> predictions, int classes, int resamples, SeededRandom random, double confidence = 0.95)
    {
        int[] truth = [.. labels], found = [.. predictions];
        var matrix = new ConfusionMatrix(truth, found, classes);
        var never = Enumerable.Range(0, classes).Count(i => matrix.Support(i) + matrix.Predicted(i) == 0);
        int[] hits = new int[classes], seen = new int[classes];
        return Percentile(truth.Length, resamples, random, confidence, rows =>
        {
            Array.Clear(hits);
            Array.Clear(seen);
            foreach (var row in rows)
            {
                seen[truth[row]]++;
                seen[found[row]]++;
                hits[truth[row]] += truth[row] == found[row] ? 1 : 0;
            }
            var (sum, counted) = (0.0, never);
            for (var i = 0; i < classes; i++)
            {
                sum += seen[i] > 0 ? 2.0 * hits[i] / seen[i] : 0;
                counted += seen[i] > 0 ? 1 : 0;
            }
            return sum / counted;
        });
    }

    private static ConfidenceInterval Percentile(int count, int resamples, SeededRandom random, double confidence, Func<int[], double> figure)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, FewestResamples);
        ConfidenceInterval.CheckConfidence(confidence);
        var values = new double[resamples];
        var rows = new int[count];
        for (var i = 0; i < resamples; i++)
        {
            for (var row = 0; row < count; row++)
                rows[row] = random.NextInt(count);
            values[i] = figure(rows);
        }
        Array.Sort(values);
        var tail = (1 - confidence) / 2;
        return new(Quantile(values, tail), Quantile(values, 1 - tail));
    }

    // Between the two nearest values in proportion, as NumPy's percentile does by default.
    private static double Quantile(double[] ordered, double share)
    {
        var position = share * (ordered.Length - 1);
        var below = (int)position;
        return below + 1 < ordered.Length ? ordered[below] + ((position - below) * (ordered[below + 1] - ordered[below])) : ordered[below];
    }
}
