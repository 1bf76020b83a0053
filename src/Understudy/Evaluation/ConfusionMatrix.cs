namespace Understudy.Evaluation;

/// <summary>How often each true class was predicted as each class. Immutable.</summary>
public sealed class ConfusionMatrix
{
    private readonly long[] counts;

    /// <summary>Counts pairs of true and predicted class.</summary>
    /// <param name="labels">True class indices, each from 0 to <paramref name="classes"/> - 1; at least one.</param>
    /// <param name="predictions">Predicted class indices, as many as there are labels.</param>
    /// <param name="classes">The number of classes, at least 1.</param>
    /// <exception cref="ArgumentException">The lists are empty or of different lengths, or hold an index out of range.</exception>
    public ConfusionMatrix(ReadOnlySpan<int> labels, ReadOnlySpan<int> predictions, int classes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        if (labels.Length != predictions.Length)
            throw new ArgumentException($"Expected one prediction for each label, found {predictions.Length} predictions and {labels.Length} labels.", nameof(predictions));
        if (labels.IsEmpty)
            throw new ArgumentException("Expected at least one label; metrics of no rows are not defined.", nameof(labels));
        Classes = classes;
        Total = labels.Length;
        counts = new long[(long)classes * classes];
        for (var row = 0; row < labels.Length; row++)
        {
            if ((uint)labels[row] >= (uint)classes)
                throw new ArgumentException($"Label {labels[row]} of row {row} is not a class index from 0 to {classes - 1}.", nameof(labels));
            if ((uint)predictions[row] >= (uint)classes)
                throw new ArgumentException($"Prediction {predictions[row]} of row {row} is not a class index from 0 to {classes - 1}.", nameof(predictions));
            counts[((long)labels[row] * classes) + predictions[row]]++;
        }
    }

    /// <summary>The number of classes.</summary>
    public int Classes { get; }

    /// <summary>The number of rows.</summary>
    public long Total { get; }

    /// <summary>How many rows of class <paramref name="label"/> were predicted as class <paramref name="prediction"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An index is not from 0 to <see cref="Classes"/> - 1.</exception>
    public long this[int label, int prediction]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)label, (uint)Classes, nameof(label));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)prediction, (uint)Classes, nameof(prediction));
            return counts[((long)label * Classes) + prediction];
        }
    }

    /// <summary>How many rows have this true class.</summary>
    public long Support(int label)
    {
        var sum = 0L;
        for (var prediction = 0; prediction < Classes; prediction++)
            sum += this[label, prediction];
        return sum;
    }

    /// <summary>How many rows were predicted as this class.</summary>
    public long Predicted(int prediction)
    {
        var sum = 0L;
        for (var label = 0; label < Classes; label++)
            sum += this[label, prediction];
        return sum;
    }
}
