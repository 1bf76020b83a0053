using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>How good a model is on labelled rows.</summary>
/// <param name="Rows">Rows it was measured on.</param>
/// <param name="Accuracy">Share of right labels.</param>
/// <param name="MacroF1">Mean F1 over the classes.</param>
public sealed record EvaluationResult(int Rows, double Accuracy, double MacroF1)
{
    /// <summary>Measures predictions.</summary>
    internal static EvaluationResult Of(IReadOnlyList<Example> rows, IReadOnlyList<Prediction> predictions, LabelSet labels)
    {
        var truth = rows.Select(row => labels.IndexOf(row.Label!)).ToArray();
        var metrics = ClassificationMetrics.Compute(truth, [.. predictions.Select(prediction => prediction.Best)], labels.Count);
        return new EvaluationResult(rows.Count, metrics.Accuracy, metrics.MacroF1);
    }
}

/// <summary>Measures a model on held-out rows.</summary>
public static class Evaluate
{
    /// <summary>Measures a student.</summary>
    /// <param name="folder">A classifier's folder.</param>
    /// <param name="rows">Labelled rows.</param>
    /// <param name="options">How.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="cancel">Asked between two batches.</param>
    /// <exception cref="InvalidDataException">The folder holds no classifier, or rows have labels it does not know.</exception>
    public static (EvaluationResult Result, IReadOnlyList<Prediction> Predictions) Student(string folder, IReadOnlyList<Example> rows, EvaluationOptions options, Device device, CancellationToken cancel)
    {
        using var model = PretrainedFolder.LoadSequenceClassifier(folder, device);
        var labels = new LabelSet(model.Labels);
        if (rows.FirstOrDefault(row => !labels.Contains(row.Label)) is { } unknown)
        {
            throw new InvalidDataException($"Row '{unknown.Id}' has the label '{unknown.Label}', which the model in {folder} does not know. It knows: {string.Join(", ", labels)}.");
        }

        var encoder = new ClassifierRows(Tokenizer.FromFolder(folder), model, null);
        var predictions = encoder.Predict(encoder.Encode(rows), options.BatchSize, PrecisionMode.Fp32, device, cancel);
        return (EvaluationResult.Of(rows, predictions, labels), predictions);
    }

    /// <summary>Measures the teacher, by label scoring.</summary>
    /// <param name="folder">The tuned teacher's folder.</param>
    /// <param name="task">The task.</param>
    /// <param name="rows">Labelled rows.</param>
    /// <param name="annotate">How labels are scored.</param>
    /// <param name="precision">The arithmetic.</param>
    /// <param name="context">The run.</param>
    public static (EvaluationResult Result, IReadOnlyList<Prediction> Predictions) Teacher(string folder, ClassificationTask task, IReadOnlyList<Example> rows, Synthesis.AnnotateOptions annotate, PrecisionMode precision, RunContext context)
    {
        using var teacher = Recipes.Teacher.Load(folder, task, context.Device);
        using var autocast = Precision.Autocast(precision, context.Device);
        using var bar = context.Progress.Start("evaluate teacher", rows.Count, "rows");
        var scorer = new LabelScorer(teacher.Model, teacher.Rows.LabelTokens, annotate.LengthNormalize);
        if (annotate.Calibrate)
        {
            scorer.Calibrate([teacher.Rows.ContentFreePrompt()]);
        }

        var predictions = new Prediction[rows.Count];
        foreach (var score in scorer.Score([.. rows.Select(teacher.Rows.Prompt)], annotate.BatchSize, context.Cancel))
        {
            predictions[score.Prompt] = new Prediction(rows[score.Prompt].Id, score.Probabilities, score.Best);
            bar.Advance(1);
        }

        var result = EvaluationResult.Of(rows, predictions, task.Labels);
        bar.Finish($"accuracy {result.Accuracy:P1}, macro-F1 {result.MacroF1:P1}");
        return (result, predictions);
    }
}
