using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Measures a model on held-out rows.</summary>
public static class Evaluate
{
    /// <summary>Measures a student.</summary>
    /// <param name="folder">A classifier's folder, or that of a classifier's adapter.</param>
    /// <param name="rows">Labelled rows.</param>
    /// <param name="options">How.</param>
    /// <param name="seed">What the bootstrap's resamples derive from.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="cancel">Asked between two batches.</param>
    /// <param name="adapterBase">The folder of an adapter's base; null to look for it where the adapter says.</param>
    /// <exception cref="InvalidDataException">The folder holds no classifier, there are no rows, or they have labels it does not know.</exception>
    public static (EvaluationResult Result, IReadOnlyList<TestPrediction> Predictions) Student(string folder, IReadOnlyList<Example> rows, EvaluationOptions options, long seed, Device device, CancellationToken cancel, string? adapterBase = null)
    {
        using var student = StudentModel.Load(folder, device, adapterBase);
        var labels = new LabelSet(student.Model.Labels);
        if (rows.FirstOrDefault(row => !labels.Contains(row.Label)) is { } unknown)
        {
            throw new InvalidDataException($"Row '{unknown.Id}' has the label '{unknown.Label}', which the model in {folder} does not know. It knows: {string.Join(", ", labels)}.");
        }

        if (rows.Count == 0)
        {
            throw new InvalidDataException("There are no rows to measure the model on. Expected at least one labelled row.");
        }

        var encoder = new ClassifierRows(student.Tokenizer, student.Model, null);
        var predictions = encoder.Predict(encoder.Encode(rows), options.BatchSize, options.Precision, device, cancel);
        return (Measure(rows, predictions, labels, options, seed), TestPrediction.Of(rows, predictions, labels));
    }

    /// <summary>Measures the teacher, by label scoring.</summary>
    /// <param name="folder">The folder of the tuned teacher or of its adapter.</param>
    /// <param name="task">The task.</param>
    /// <param name="rows">Labelled rows, at least one.</param>
    /// <param name="annotate">How labels are scored.</param>
    /// <param name="options">How the figures are computed.</param>
    /// <param name="seed">What the bootstrap's resamples derive from.</param>
    /// <param name="precision">The arithmetic.</param>
    /// <param name="context">The run.</param>
    public static (EvaluationResult Result, IReadOnlyList<TestPrediction> Predictions) Teacher(string folder, ClassificationTask task, IReadOnlyList<Example> rows, Synthesis.AnnotateOptions annotate, EvaluationOptions options, long seed, PrecisionMode precision, RunContext context)
    {
        using var teacher = context.LoadTeacher(folder, task);
        using var autocast = Precision.Autocast(precision, context.Device);
        using var bar = context.Progress.Start("evaluate teacher", rows.Count, "rows");
        var predictions = new Prediction[rows.Count];
        foreach (var score in teacher.Scorer(annotate).Score(ParallelRows.Select(rows, teacher.Rows.Prompt), annotate.BatchSize, context.Cancel))
        {
            predictions[score.Prompt] = new Prediction(rows[score.Prompt].Id, score.Probabilities, score.Best);
            bar.Advance(1);
        }

        var result = Measure(rows, predictions, task.Labels, options, seed);
        bar.Finish($"accuracy {FigureText.Percent(result.Accuracy)}, macro-F1 {FigureText.Percent(result.MacroF1)}");
        return (result, TestPrediction.Of(rows, predictions, task.Labels));
    }

    private static EvaluationResult Measure(IReadOnlyList<Example> rows, IReadOnlyList<Prediction> predictions, LabelSet labels, EvaluationOptions options, long seed) =>
        EvaluationResult.Of([.. labels], [.. rows.Select(row => labels.IndexOf(row.Label!))], [.. predictions.Select(prediction => prediction.Probabilities)], options, seed);
}
