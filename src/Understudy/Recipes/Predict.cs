using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Labels texts with a student.</summary>
public static class Predict
{
    // Rows read and held at once: enough to put similar lengths together, few enough for a file of any size.
    private const int Chunk = 2048;

    /// <summary>The labels that a classifier predicts over, in class order.</summary>
    /// <param name="folder">A classifier's folder.</param>
    /// <exception cref="InvalidDataException">The folder holds no classifier.</exception>
    public static IReadOnlyList<string> Labels(string folder)
    {
        using var model = PretrainedFolder.LoadSequenceClassifier(folder, Device.CPU);
        return [.. model.Labels];
    }

    /// <summary>Predicts rows as they are asked for, in their order.</summary>
    /// <param name="folder">A classifier's folder.</param>
    /// <param name="rows">Texts; labels are not looked at.</param>
    /// <param name="options">How many rows at once.</param>
    /// <param name="device">Where the model runs.</param>
    /// <param name="cancel">Asked between two batches.</param>
    /// <returns>A row, the label of highest probability, and all probabilities in the order of <see cref="Labels"/>.</returns>
    /// <exception cref="InvalidDataException">The folder holds no classifier, or a row cannot be read.</exception>
    public static IEnumerable<(Example Row, string Label, Prediction Prediction)> Run(string folder, IEnumerable<Example> rows, EvaluationOptions options, Device device, CancellationToken cancel)
    {
        using var model = PretrainedFolder.LoadSequenceClassifier(folder, device);
        var encoder = new ClassifierRows(Tokenizer.FromFolder(folder), model, null);
        foreach (var chunk in rows.Chunk(Chunk))
        {
            var predictions = encoder.Predict(encoder.Encode(chunk), options.BatchSize, PrecisionMode.Fp32, device, cancel);
            for (var i = 0; i < chunk.Length; i++)
            {
                yield return (chunk[i], model.Labels[predictions[i].Best], predictions[i]);
            }
        }
    }
}
