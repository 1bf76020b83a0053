namespace Understudy.Evaluation;

/// <summary>The usual figures for predicted classes, as scikit-learn defines them with <c>zero_division=0</c>. All lie from 0 to 1, but for <see cref="Matthews"/> and <see cref="CohenKappa"/> (-1 to 1).</summary>
public sealed record ClassificationMetrics
{
    private ClassificationMetrics()
    {
    }

    /// <summary>The share of right predictions. Equals precision, recall and F1 averaged over rows (micro).</summary>
    public required double Accuracy { get; init; }

    /// <summary>The mean recall of the classes that occur among the labels.</summary>
    public required double BalancedAccuracy { get; init; }

    /// <summary>The mean precision of all classes, those without rows included (their value is 0).</summary>
    public required double MacroPrecision { get; init; }

    /// <summary>The mean recall of all classes, those without rows included.</summary>
    public required double MacroRecall { get; init; }

    /// <summary>The mean F1 of all classes, those without rows included.</summary>
    public required double MacroF1 { get; init; }

    /// <summary>The mean precision weighted by support.</summary>
    public required double WeightedPrecision { get; init; }

    /// <summary>The mean recall weighted by support; equals the accuracy.</summary>
    public required double WeightedRecall { get; init; }

    /// <summary>The mean F1 weighted by support.</summary>
    public required double WeightedF1 { get; init; }

    /// <summary>Matthews' correlation coefficient for several classes (Gorodkin, 2004); 0 when all labels or all predictions are of one class.</summary>
    public required double Matthews { get; init; }

    /// <summary>Cohen's kappa: agreement beyond chance; 0 where undefined (labels and predictions all of one class).</summary>
    public required double CohenKappa { get; init; }

    /// <summary>Each class on its own, by class index.</summary>
    public required IReadOnlyList<ClassMetrics> Classes { get; init; }

    /// <summary>The counts that everything here is computed from.</summary>
    public required ConfusionMatrix Confusion { get; init; }

    /// <summary>Computes all figures.</summary>
    /// <param name="labels">True class indices, each from 0 to <paramref name="classes"/> - 1; at least one.</param>
    /// <param name="predictions">Predicted class indices, as many as there are labels.</param>
    /// <param name="classes">The number of classes.</param>
    /// <exception cref="ArgumentException">The lists are empty or of different lengths, or hold an index out of range.</exception>
    public static ClassificationMetrics Compute(ReadOnlySpan<int> labels, ReadOnlySpan<int> predictions, int classes) =>
        Compute(new ConfusionMatrix(labels, predictions, classes));

    /// <summary>Computes all figures from counts.</summary>
    public static ClassificationMetrics Compute(ConfusionMatrix confusion)
    {
        double total = confusion.Total;
        var perClass = new ClassMetrics[confusion.Classes];
        // Sums over classes: right rows, products and squares of how often a class occurs and is predicted.
        double right = 0, products = 0, supportSquares = 0, predictedSquares = 0;
        for (var i = 0; i < perClass.Length; i++)
        {
            var (hits, support, predicted) = (confusion[i, i], confusion.Support(i), confusion.Predicted(i));
            perClass[i] = new(Ratio(hits, predicted), Ratio(hits, support), Ratio(2 * hits, support + predicted), support);
            right += hits;
            products += (double)support * predicted;
            supportSquares += (double)support * support;
            predictedSquares += (double)predicted * predicted;
        }
        var spread = Math.Sqrt(((total * total) - supportSquares) * ((total * total) - predictedSquares));
        var chance = products / total;
        return new ClassificationMetrics
        {
            Accuracy = right / total,
            BalancedAccuracy = perClass.Where(metrics => metrics.Support > 0).Average(metrics => metrics.Recall),
            MacroPrecision = perClass.Average(metrics => metrics.Precision),
            MacroRecall = perClass.Average(metrics => metrics.Recall),
            MacroF1 = perClass.Average(metrics => metrics.F1),
            WeightedPrecision = perClass.Sum(metrics => metrics.Precision * metrics.Support) / total,
            WeightedRecall = perClass.Sum(metrics => metrics.Recall * metrics.Support) / total,
            WeightedF1 = perClass.Sum(metrics => metrics.F1 * metrics.Support) / total,
            Matthews = spread > 0 ? ((right * total) - products) / spread : 0,
            CohenKappa = total > chance ? (right - chance) / (total - chance) : 0,
            Classes = perClass,
            Confusion = confusion,
        };
    }

    /// <summary>The single figures by the names they have in logs and reports: <c>accuracy</c>, <c>macro_f1</c>, ...</summary>
    public IEnumerable<KeyValuePair<string, double>> Scalars() =>
    [
        new("accuracy", Accuracy),
        new("balanced_accuracy", BalancedAccuracy),
        new("macro_precision", MacroPrecision),
        new("macro_recall", MacroRecall),
        new("macro_f1", MacroF1),
        new("micro_precision", Accuracy),
        new("micro_recall", Accuracy),
        new("micro_f1", Accuracy),
        new("weighted_precision", WeightedPrecision),
        new("weighted_recall", WeightedRecall),
        new("weighted_f1", WeightedF1),
        new("matthews", Matthews),
        new("cohen_kappa", CohenKappa),
    ];

    private static double Ratio(long part, long whole) => whole == 0 ? 0 : (double)part / whole;
}
