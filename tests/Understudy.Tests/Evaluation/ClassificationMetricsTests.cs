using Understudy.Evaluation;

namespace Understudy.Tests.Evaluation;

public sealed class ClassificationMetricsTests
{
    [Fact]
    public void A_perfect_classifier_scores_one_everywhere()
    {
        var metrics = ClassificationMetrics.Compute([0, 1, 2, 1], [0, 1, 2, 1], 3);
        Assert.All(metrics.Scalars(), scalar => Assert.Equal((scalar.Key, 1.0), (scalar.Key, scalar.Value)));
        Assert.Equal([1, 2, 1], metrics.Classes.Select(one => one.Support));
    }

    [Fact]
    public void One_class_predicted_for_all_rows_has_no_correlation()
    {
        var metrics = ClassificationMetrics.Compute([0, 1, 1, 1], [1, 1, 1, 1], 2);
        Assert.Equal((0.75, 0.5, 0.0, 0.0), (metrics.Accuracy, metrics.BalancedAccuracy, metrics.Matthews, metrics.CohenKappa));
        Assert.Equal(new ClassMetrics(0, 0, 0, 1), metrics.Classes[0]);
        var single = ClassificationMetrics.Compute([1, 1], [1, 1], 2);
        Assert.Equal((1.0, 1.0, 0.5, 0.0, 0.0), (single.Accuracy, single.BalancedAccuracy, single.MacroF1, single.Matthews, single.CohenKappa));
    }

    [Fact]
    public void The_confusion_matrix_has_true_classes_in_rows()
    {
        var confusion = new ConfusionMatrix([0, 0, 1], [1, 0, 1], 3);
        Assert.Equal((1, 1, 1, 0), (confusion[0, 0], confusion[0, 1], confusion[1, 1], confusion[1, 0]));
        Assert.Equal((2, 2, 3), (confusion.Support(0), confusion.Predicted(1), confusion.Total));
        Assert.Throws<ArgumentOutOfRangeException>(() => confusion[0, 3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => confusion[-1, 0]);
    }

    [Fact]
    public void Faulty_input_is_refused()
    {
        Assert.Equal("Expected one prediction for each label, found 1 predictions and 2 labels. (Parameter 'predictions')", Fault(() => ClassificationMetrics.Compute([0, 1], [0], 2)));
        Assert.Equal("Expected at least one label; metrics of no rows are not defined. (Parameter 'labels')", Fault(() => ClassificationMetrics.Compute([], [], 2)));
        Assert.Equal("Label 2 of row 1 is not a class index from 0 to 1. (Parameter 'labels')", Fault(() => ClassificationMetrics.Compute([0, 2], [0, 0], 2)));
        Assert.Equal("Prediction -1 of row 0 is not a class index from 0 to 1. (Parameter 'predictions')", Fault(() => ClassificationMetrics.Compute([0, 1], [-1, 0], 2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => ClassificationMetrics.Compute([0], [0], 0));
        Assert.Equal("Row 0 has the probability NaN; expected a number from 0 to 1. (Parameter 'probabilities')", Fault(() => ProbabilityMetrics.LogLoss([0], [[double.NaN, 1]])));
        Assert.Equal("Row 1 has 1 probabilities, the first row 2. (Parameter 'probabilities')", Fault(() => ProbabilityMetrics.TopKAccuracy([0, 0], [[0.5, 0.5], [1]], 1)));
        Assert.Equal("Label 2 of row 0 is not a class index from 0 to 1. (Parameter 'labels')", Fault(() => ProbabilityMetrics.ExpectedCalibrationError([2], [[0.5, 0.5]])));
        Assert.Equal("Expected a distribution for each label, found 0 distributions and 1 labels. (Parameter 'probabilities')", Fault(() => ProbabilityMetrics.LogLoss([0], [])));
        Assert.Equal("Expected at least one label; metrics of no rows are not defined. (Parameter 'labels')", Fault(() => ProbabilityMetrics.LogLoss([], [])));
    }

    [Fact]
    public void Probabilities_are_scored_by_loss_calibration_and_rank()
    {
        double[][] probabilities = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.4, 0.4, 0.2]];
        int[] labels = [0, 2, 0];
        Assert.Equal(-(Math.Log(0.7) + Math.Log(0.3) + Math.Log(0.4)) / 3, ProbabilityMetrics.LogLoss(labels, probabilities), 1e-15);
        Assert.Equal(36.04365338911715, ProbabilityMetrics.LogLoss([1], [[1, 0]]), 1e-12);
        // Bins (0.6, 0.7], (0.5, 0.6] and (0.3, 0.4], one row each.
        Assert.Equal((0.3 + 0.6 + 0.6) / 3, ProbabilityMetrics.ExpectedCalibrationError(labels, probabilities), 1e-15);
        Assert.Equal(1.0 / 3, ProbabilityMetrics.TopKAccuracy(labels, probabilities, 1), 1e-15);
        Assert.Equal(1, ProbabilityMetrics.TopKAccuracy(labels, probabilities, 2));
        Assert.Equal(1, ProbabilityMetrics.TopKAccuracy(labels, probabilities, 9));
        Assert.Equal(0, ProbabilityMetrics.ArgMax(probabilities[2]));
    }

    private static string Fault(Func<object> act) => Assert.Throws<ArgumentException>(act).Message;
}
