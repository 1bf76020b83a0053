using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>A row as a classifier sees it.</summary>
internal sealed record ClassifierRow(Example Example, int[] Ids, int[] TypeIds);

/// <summary>A padded batch: ids, mask and type ids [rows, tokens]; labels, weights [rows]; probabilities [rows, classes] when a row has a distribution.</summary>
internal sealed record ClassifierBatch(Tensor Ids, Tensor? Mask, Tensor? TypeIds, Tensor Labels, Tensor? Probabilities, Tensor Weights);

/// <summary>The same without tensors.</summary>
internal sealed record ClassifierLayout(TokenLayout Tokens, long[]? TypeIds, long[] Labels, float[]? Probabilities, float[] Weights)
{
    /// <summary>As tensors of this thread's dispose scope.</summary>
    public ClassifierBatch To(Device device)
    {
        var (ids, mask) = Tokens.To(device);
        return new ClassifierBatch(ids, mask, TypeIds is null ? null : Tokens.To(TypeIds, device), torch.tensor(Labels).to(device), Probabilities is null ? null : torch.tensor(Probabilities, Labels.Length, Probabilities.Length / Labels.Length).to(device), torch.tensor(Weights).to(device));
    }
}

/// <summary>The probability of every label of a row.</summary>
/// <param name="Id">Id of the row.</param>
/// <param name="Probabilities">In class order; they sum to 1.</param>
/// <param name="Best">Number of the most probable label, the lowest of equals.</param>
public sealed record Prediction(string Id, double[] Probabilities, int Best);

/// <summary>Turns examples into a classifier's batches, and its logits into predictions.</summary>
internal sealed class ClassifierRows
{
    private readonly ISequenceClassifier model;
    private readonly Tokenizer tokenizer;
    private readonly int padding;
    private readonly int vocabularySize;
    private readonly bool usesTypes;

    /// <summary>Encodes for one model.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="model">The model.</param>
    /// <param name="maxLength">The most tokens of a row; null for what the model takes.</param>
    internal ClassifierRows(Tokenizer tokenizer, ISequenceClassifier model, int? maxLength)
    {
        this.model = model;
        var config = model.ToConfigJson();
        padding = config["pad_token_id"]?.GetValue<int>() ?? 0;
        vocabularySize = config["vocab_size"]?.GetValue<int>() ?? int.MaxValue;
        usesTypes = config["type_vocab_size"]?.GetValue<int>() > 1;
        this.tokenizer = tokenizer
            .WithPadding(null)
            .WithTruncation(new TruncationOptions { MaxLength = Math.Min(maxLength ?? model.MaxLength, model.MaxLength) });
    }

    /// <summary>Tokenizes rows, pairs included; longer ones are truncated.</summary>
    /// <exception cref="InvalidDataException">The tokenizer is not the model's.</exception>
    internal IReadOnlyList<ClassifierRow> Encode(IReadOnlyList<Example> examples) => ParallelRows.Select(examples, example =>
    {
        var encoding = example.TextPair is { } pair ? tokenizer.Encode(example.Text, pair) : tokenizer.Encode(example.Text);
        // A tokenizer without special tokens makes nothing of an empty text; a model needs a token.
        if (encoding.Ids.Length == 0) return new ClassifierRow(example, [padding], [0]);
        return encoding.Ids.Max() < vocabularySize
            ? new ClassifierRow(example, encoding.Ids, encoding.TypeIds)
            : throw new InvalidDataException($"The tokenizer gives row '{example.Id}' the token {encoding.Ids.Max()}, but the model knows {vocabularySize} tokens. Does tokenizer.json belong to the model?");
    });

    /// <summary>The batches of a step.</summary>
    internal StepBatches<ClassifierLayout> Step(IReadOnlyList<ClassifierRow> rows, StepRows step, LabelSet labels)
    {
        ClassifierLayout[] batches = [.. step.Batches.Select(batch => Batch([.. batch.Select(row => rows[row])], labels))];
        return new StepBatches<ClassifierLayout>(batches, step.Batches.Sum(batch => batch.Sum(row => rows[row].Example.Weight)), batches.Sum(batch => batch.Tokens.Tokens), step.StepsInEpoch);
    }

    private ClassifierLayout Batch(IReadOnlyList<ClassifierRow> rows, LabelSet labels)
    {
        var (tokens, types) = Inputs(rows);
        var classes = rows.Select(row => row.Example.Label is { } label ? (long)labels.IndexOf(label) : 0).ToArray();
        var soft = rows.Any(row => row.Example.LabelProbabilities is not null)
            ? rows.SelectMany(row => labels.Probabilities(row.Example)).Select(value => (float)value).ToArray()
            : null;
        return new ClassifierLayout(tokens, types, classes, soft, [.. rows.Select(row => (float)row.Example.Weight)]);
    }

    /// <summary>Predicts rows; the results come in their order. On the CPU a row's prediction is the same to the last bit whatever is predicted beside it.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="batchSize">Rows that are padded to a batch, similar lengths together, where the model cannot be packed.</param>
    /// <param name="precision">The arithmetic.</param>
    /// <param name="device">Where the model is.</param>
    /// <param name="cancel">Asked between two batches.</param>
    /// <param name="done">Told how many more rows there are.</param>
    /// <exception cref="InvalidDataException">The model's logits are not numbers.</exception>
    internal Prediction[] Predict(IReadOnlyList<ClassifierRow> rows, int batchSize, PrecisionMode precision, Device device, CancellationToken cancel, Action<int>? done = null)
    {
        var wasTraining = model.Training;
        model.Training = false;
        try
        {
            using var gradients = torch.no_grad();
            using var autocast = Precision.Autocast(precision, device);
            var predictions = new Prediction[rows.Count];
            using var engine = new InferenceEngine(model, new EngineOptions { MaxRows = batchSize });
            var requests = rows.Select(row => new ClassificationRequest(row.Ids) { TokenTypes = usesTypes ? row.TypeIds : [] });
            foreach (var result in engine.Run(requests, cancellation: cancel).Cast<ClassificationResult>())
            {
                // The largest of values that are no numbers would be the first label, and pass for a prediction.
                if (!result.Logits.All(float.IsFinite))
                {
                    throw new InvalidDataException("The model's logits are not numbers (NaN or infinite). Its weights are damaged or its training diverged; take an earlier checkpoint.");
                }

                var probabilities = LabelScore.Softmax([.. result.Logits.Select(logit => (double)logit)]);
                predictions[result.Request] = new Prediction(rows[(int)result.Request].Example.Id, probabilities, Array.IndexOf(probabilities, probabilities.Max()));
                done?.Invoke(1);
            }

            return predictions;
        }
        finally
        {
            // The next step changes the weights: a copy of them would only take memory.
            if (wasTraining) PackedModel.Forget(model);
            model.Training = wasTraining;
        }
    }

    private (TokenLayout Tokens, long[]? Types) Inputs(IReadOnlyList<ClassifierRow> rows)
    {
        var tokens = TokenLayout.Of([.. rows.Select(row => row.Ids)], padding);
        var types = usesTypes && rows.Any(row => row.TypeIds.Any(type => type != 0))
            ? tokens.Beside<long>([.. rows.Select(row => Array.ConvertAll(row.TypeIds, type => (long)type))], 0)
            : null;
        return (tokens, types);
    }
}
