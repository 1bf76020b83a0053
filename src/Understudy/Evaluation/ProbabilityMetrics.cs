namespace Understudy.Evaluation;

/// <summary>Figures for predicted class probabilities. Every row of <c>probabilities</c> is [classes], its values from 0 to 1.</summary>
public static class ProbabilityMetrics
{
    /// <summary>The mean negative natural logarithm of the true class's probability, which is bounded to 2.2e-16 from below as in scikit-learn.</summary>
    /// <exception cref="ArgumentException">The lists are empty or of different lengths, a label is out of range, or a probability is not one.</exception>
    public static double LogLoss(ReadOnlySpan<int> labels, IReadOnlyList<double[]> probabilities)
    {
        Check(labels, probabilities);
        const double Least = 2.220446049250313e-16;
        var sum = 0.0;
        for (var row = 0; row < labels.Length; row++)
            sum -= Math.Log(Math.Clamp(probabilities[row][labels[row]], Least, 1));
        return sum / labels.Length;
    }

    /// <summary>
    /// The expected calibration error (Guo et al., arXiv 1706.04599): the mean distance, weighted by rows, between the
    /// accuracy and the mean confidence of the rows in each of <paramref name="bins"/> equal ranges of confidence, open
    /// below and closed above. The confidence is the largest probability, and the prediction its class.
    /// </summary>
    /// <exception cref="ArgumentException">As for <see cref="LogLoss"/>.</exception>
    public static double ExpectedCalibrationError(ReadOnlySpan<int> labels, IReadOnlyList<double[]> probabilities, int bins = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        Check(labels, probabilities);
        var gaps = new double[bins];
        for (var row = 0; row < labels.Length; row++)
        {
            var best = ArgMax(probabilities[row]);
            var confidence = probabilities[row][best];
            var bin = Math.Clamp((int)Math.Ceiling(confidence * bins) - 1, 0, bins - 1);
            gaps[bin] += confidence - (best == labels[row] ? 1 : 0);
        }
        return gaps.Sum(Math.Abs) / labels.Length;
    }

    /// <summary>The share of rows whose true class is among the <paramref name="k"/> most probable ones; of equal probabilities the higher class index comes first, as in scikit-learn.</summary>
    /// <exception cref="ArgumentException">As for <see cref="LogLoss"/>.</exception>
    public static double TopKAccuracy(ReadOnlySpan<int> labels, IReadOnlyList<double[]> probabilities, int k)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        Check(labels, probabilities);
        var right = 0;
        for (var row = 0; row < labels.Length; row++)
        {
            var (values, label) = (probabilities[row], labels[row]);
            var before = 0;
            for (var i = 0; i < values.Length; i++)
            {
                if (values[i] > values[label] || (values[i] == values[label] && i > label))
                    before++;
            }
            right += before < k ? 1 : 0;
        }
        return (double)right / labels.Length;
    }

    /// <summary>The class with the largest probability; the first of equal ones.</summary>
    public static int ArgMax(ReadOnlySpan<double> probabilities)
    {
        if (probabilities.IsEmpty)
            throw new ArgumentException("Expected at least one probability.", nameof(probabilities));
        var best = 0;
        for (var i = 1; i < probabilities.Length; i++)
        {
            if (probabilities[i] > probabilities[best])
                best = i;
        }
        return best;
    }

    private static void Check(ReadOnlySpan<int> labels, IReadOnlyList<double[]> probabilities)
    {
        if (labels.Length != probabilities.Count)
            throw new ArgumentException($"Expected a distribution for each label, found {probabilities.Count} distributions and {labels.Length} labels.", nameof(probabilities));
        if (labels.IsEmpty)
            throw new ArgumentException("Expected at least one label; metrics of no rows are not defined.", nameof(labels));
        var classes = probabilities[0].Length;
        for (var row = 0; row < labels.Length; row++)
        {
            if (probabilities[row].Length != classes)
                throw new ArgumentException($"Row {row} has {probabilities[row].Length} probabilities, the first row {classes}.", nameof(probabilities));
            if ((uint)labels[row] >= (uint)classes)
                throw new ArgumentException($"Label {labels[row]} of row {row} is not a class index from 0 to {classes - 1}.", nameof(labels));
            foreach (var probability in probabilities[row])
            {
                // Softmax in single precision may exceed 1 by a rounding error.
                if (!(probability is >= 0 and <= 1 + 1e-6))
                    throw new ArgumentException($"Row {row} has the probability {probability}; expected a number from 0 to 1.", nameof(probabilities));
            }
        }
    }
}
