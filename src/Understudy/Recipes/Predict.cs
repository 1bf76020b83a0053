using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>Labels texts with a student. Belongs to the thread that made it.</summary>
public sealed class Predict : IDisposable
{
    // Rows read and held at once: enough to put similar lengths together, few enough for a file of any size.
    private const int Chunk = 2048;

    private readonly StudentModel student;
    private readonly ClassifierRows encoder;
    private readonly Device device;

    private Predict(string folder, Device device, string? adapterBase)
    {
        this.device = device;
        student = StudentModel.Load(folder, device, adapterBase);
        encoder = new ClassifierRows(student.Tokenizer, student.Model, null);
        Labels = [.. student.Model.Labels];
    }

    /// <summary>The labels in class order.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>Loads a student.</summary>
    /// <param name="folder">A classifier's folder, or that of a classifier's adapter.</param>
    /// <param name="device">Where the model runs.</param>
    /// <param name="adapterBase">The folder of an adapter's base; null to look for it where the adapter says.</param>
    /// <exception cref="InvalidDataException">The folder holds no classifier.</exception>
    public static Predict Load(string folder, Device device, string? adapterBase = null) => new(folder, device, adapterBase);

    /// <summary>Predicts rows as they are asked for, in their order.</summary>
    /// <param name="rows">Texts; labels are not looked at. Read on another thread when <paramref name="asTheyCome"/> is set.</param>
    /// <param name="options">How many rows at once.</param>
    /// <param name="asTheyCome">
    /// Whether rows are answered as soon as they are there, with those that came meanwhile, instead of waiting for 2,048.
    /// </param>
    /// <param name="cancel">Asked between two batches, and while waiting for rows.</param>
    /// <returns>A row, the label of highest probability, and all probabilities in the order of <see cref="Labels"/>.</returns>
    /// <exception cref="InvalidDataException">A row cannot be read, or the model's logits are not numbers.</exception>
    public IEnumerable<(Example Row, string Label, Prediction Prediction)> Run(IEnumerable<Example> rows, EvaluationOptions options, bool asTheyCome, CancellationToken cancel)
    {
        foreach (var chunk in asTheyCome ? ArrivingRows.Chunks(rows, Chunk, cancel) : rows.Chunk(Chunk))
        {
            var predictions = encoder.Predict(encoder.Encode(chunk), options.BatchSize, options.Precision, device, cancel);
            for (var i = 0; i < chunk.Length; i++)
            {
                yield return (chunk[i], Labels[predictions[i].Best], predictions[i]);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => student.Dispose();
}
