using System.Text.Json.Nodes;
using Understudy.Torch;
using static Understudy.Torch.nn;

namespace Understudy.Models;

/// <summary>How RoBERTa's folders are read.</summary>
internal static class Roberta
{
    internal static ModelFamily Family { get; } = BertModel.FamilyOf("roberta", "roberta.", ["lm_head.", "classifier.", "qa_outputs.", "pooler.", "roberta.pooler."]) with
    {
        SequenceClassifier = (json, labels) =>
        {
            var config = BertConfig.From(json) with { Labels = labels };
            return (source, _) => new RobertaForSequenceClassification(config, source);
        },
        MaskedLanguageModel = BertModel.MaskedLanguageModel,
    };
}

/// <summary>RoBERTa with a classification head on the first token (layout of transformers' <c>RobertaForSequenceClassification</c>).</summary>
public sealed class RobertaForSequenceClassification : ISequenceClassifier, IStepModel
{
    private readonly BertEncoder encoder;
    private readonly Linear dense;
    private readonly Linear output;

    /// <summary>Builds the model from a source of weights.</summary>
    public RobertaForSequenceClassification(BertConfig config, IParameterSource source)
    {
        Config = config;
        var record = new RecordingSource(source);
        encoder = new BertEncoder(config, record, "roberta.");
        dense = Linear.Take(record, "classifier.dense", config.HiddenSize, config.HiddenSize, isHead: true);
        output = Linear.Take(record, "classifier.out_proj", config.HiddenSize, config.Labels.Count, isHead: true);
        Parameters = record.Taken;
        Linears = record.Linears;
    }

    /// <summary>The architecture.</summary>
    public BertConfig Config { get; }

    /// <inheritdoc/>
    public IReadOnlyList<NamedParameter> Parameters { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Linear> Linears { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Labels => Config.Labels;

    /// <inheritdoc/>
    public bool Training { get; set; }

    /// <inheritdoc/>
    public double? Dropout { get; set; }

    /// <inheritdoc/>
    public bool GradientCheckpointing { get; set; }

    /// <inheritdoc/>
    public int MaxLength => Config.MaxLength;

    /// <inheritdoc/>
    public JsonObject ToConfigJson() => Config.ToJson("RobertaForSequenceClassification");

    /// <inheritdoc/>
    public Tensor Forward(Tensor inputIds, Tensor? attentionMask = null, Tensor? tokenTypeIds = null) =>
        Forward(inputIds, attentionMask, tokenTypeIds, null);

    /// <inheritdoc cref="ISequenceClassifier.Forward"/>
    public Tensor Forward(Tensor inputIds, Tensor? attentionMask, Tensor? tokenTypeIds, IList<Tensor>? hiddenStates)
    {
        using var scope = torch.NewDisposeScope();
        var probability = Probabilities.Classifier(this, Config);
        var hidden = encoder.forward(inputIds, attentionMask, tokenTypeIds, Probabilities.Of(this, Config), hiddenStates, checkpointed: GradientCheckpointing && Training);
        var first = functional.dropout(hidden.select(1, 0), probability, Training);   // [batch, hidden]
        first = functional.dropout(dense.forward(first).tanh(), probability, Training);
        var logits = output.forward(first);
        scope.MoveToOuter(hiddenStates ?? []);
        return scope.MoveToOuter(logits);
    }

    StepShape IStepModel.StepShape => encoder.StepShape;

    string? IStepModel.StepObstacle => encoder.StepObstacle;

    int IStepModel.StepOutputs => Labels.Count;

    int? IStepModel.StepPadding => encoder.StepPadding;

    void IStepModel.Build(StepBuilder step) =>
        step.Output(step.Factors(encoder.Build(step, isSelected: true).Factors, dense, StepActivation.Tanh), output);

    /// <inheritdoc/>
    public void Dispose() => ModelTensors.Free(this);
}
