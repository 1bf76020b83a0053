using System.Text.Json.Nodes;
using Understudy.Torch;
using static Understudy.Torch.nn;

namespace Understudy.Models;

/// <summary>A bare BERT or RoBERTa encoder, for embeddings of texts.</summary>
public sealed class BertModel : IPretrainedModel, IStepModel
{
    private readonly BertEncoder encoder;

    /// <summary>Builds the model from a source of weights named as in a <c>BertModel</c> checkpoint.</summary>
    public BertModel(BertConfig config, IParameterSource source)
    {
        Config = config;
        var record = new RecordingSource(source);
        encoder = new BertEncoder(config, record, "");
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
    public bool Training { get; set; }

    /// <inheritdoc/>
    public double? Dropout { get; set; }

    /// <inheritdoc/>
    public bool GradientCheckpointing { get; set; }

    /// <inheritdoc/>
    public int MaxLength => Config.MaxLength;

    /// <inheritdoc/>
    public JsonObject ToConfigJson() => Config.ToJson(Config.IsRoberta ? "RobertaModel" : "BertModel");

    /// <summary>How BERT's folders are read.</summary>
    internal static ModelFamily Family { get; } = FamilyOf("bert", "bert.", ["cls.", "classifier.", "qa_outputs.", "pooler.", "bert.pooler."]) with
    {
        SequenceClassifier = (json, labels) =>
        {
            var config = BertConfig.From(json) with { Labels = labels };
            return (source, _) => new BertForSequenceClassification(config, source);
        },
        MaskedLanguageModel = MaskedLanguageModel,
    };

    /// <summary>A masked language model of this encoder.</summary>
    internal static ModelBuilder<IMaskedLanguageModel> MaskedLanguageModel(ConfigJson json)
    {
        var config = BertConfig.From(json);
        return (source, _) => new BertForMaskedLM(config, source);
    }

    /// <summary>A family with this encoder.</summary>
    internal static ModelFamily FamilyOf(string modelType, string prefix, IReadOnlyList<string> headPrefixes) => new(modelType, prefix)
    {
        HeadPrefixes = headPrefixes,
        Encoder = json =>
        {
            var config = BertConfig.From(json);
            return (source, _) => new BertModel(config, source);
        },
    };

    /// <summary>The last hidden states, [batch, tokens, hidden].</summary>
    public Tensor Hidden(Tensor inputIds, Tensor? attentionMask = null, Tensor? tokenTypeIds = null) =>
        encoder.forward(inputIds, attentionMask, tokenTypeIds, Probabilities.Of(this, Config), checkpointed: GradientCheckpointing && Training);

    /// <summary>Sentence embeddings: the mean of the hidden states of the real tokens, scaled to length 1 (Reimers and Gurevych, arXiv 1908.10084).</summary>
    /// <param name="inputIds">[batch, tokens] int64.</param>
    /// <param name="attentionMask">[batch, tokens] int64, 1 = a real token.</param>
    /// <returns>[batch, hidden].</returns>
    public Tensor Embed(Tensor inputIds, Tensor attentionMask)
    {
        ArgumentNullException.ThrowIfNull(attentionMask);
        using var scope = torch.NewDisposeScope();
        var hidden = Hidden(inputIds, attentionMask).to(ScalarType.Float32);
        var weights = attentionMask.to(ScalarType.Float32).unsqueeze(-1);
        var mean = (hidden * weights).sum(1) / weights.sum(1).clamp(1e-9, float.MaxValue);
        return scope.MoveToOuter(mean / mean.norm(-1, keepdim: true).clamp(1e-12, float.MaxValue));
    }

    StepShape IStepModel.StepShape => encoder.StepShape;

    string? IStepModel.StepObstacle => encoder.StepObstacle;

    int IStepModel.StepOutputs => Config.HiddenSize;

    int? IStepModel.StepPadding => encoder.StepPadding;

    void IStepModel.Build(StepBuilder step) => step.OutputMean(encoder.Build(step, isSelected: false).Rows);

    /// <inheritdoc/>
    public void Dispose() => ModelTensors.Free(this);
}

/// <summary>BERT with a pooler and a classification head.</summary>
public sealed class BertForSequenceClassification : ISequenceClassifier, IStepModel
{
    private readonly BertEncoder encoder;
    private readonly Linear pooler;
    private readonly Linear classifier;

    /// <summary>Builds the model from a source of weights named as in a <c>BertForSequenceClassification</c> checkpoint.</summary>
    public BertForSequenceClassification(BertConfig config, IParameterSource source)
    {
        Config = config;
        var record = new RecordingSource(source);
        encoder = new BertEncoder(config, record, "bert.");
        pooler = Linear.Take(record, "bert.pooler.dense", config.HiddenSize, config.HiddenSize);
        classifier = Linear.Take(record, "classifier", config.HiddenSize, config.Labels.Count, isHead: true);
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
    public JsonObject ToConfigJson() => Config.ToJson("BertForSequenceClassification");

    /// <inheritdoc/>
    public Tensor Forward(Tensor inputIds, Tensor? attentionMask = null, Tensor? tokenTypeIds = null) =>
        Forward(inputIds, attentionMask, tokenTypeIds, null);

    /// <inheritdoc cref="ISequenceClassifier.Forward"/>
    public Tensor Forward(Tensor inputIds, Tensor? attentionMask, Tensor? tokenTypeIds, IList<Tensor>? hiddenStates)
    {
        using var scope = torch.NewDisposeScope();
        var hidden = encoder.forward(inputIds, attentionMask, tokenTypeIds, Probabilities.Of(this, Config), hiddenStates, checkpointed: GradientCheckpointing && Training);
        var pooled = pooler.forward(hidden.select(1, 0)).tanh();   // [batch, hidden]
        pooled = functional.dropout(pooled, Probabilities.Classifier(this, Config), Training);
        var logits = classifier.forward(pooled);
        scope.MoveToOuter(hiddenStates ?? []);
        return scope.MoveToOuter(logits);
    }

    StepShape IStepModel.StepShape => encoder.StepShape;

    string? IStepModel.StepObstacle => encoder.StepObstacle;

    int IStepModel.StepOutputs => Labels.Count;

    int? IStepModel.StepPadding => encoder.StepPadding;

    void IStepModel.Build(StepBuilder step) =>
        step.Output(step.Factors(encoder.Build(step, isSelected: true).Factors, pooler, StepActivation.Tanh), classifier);

    /// <inheritdoc/>
    public void Dispose() => ModelTensors.Free(this);
}

/// <summary>Dropout probabilities of an encoder in its present mode.</summary>
internal static class Probabilities
{
    internal static (double Hidden, double Attention)? Of(IPretrainedModel model, BertConfig config) =>
        model.Training ? (model.Dropout ?? config.HiddenDropoutProb, model.Dropout ?? config.AttentionProbsDropoutProb) : null;

    internal static double Classifier(IPretrainedModel model, BertConfig config) =>
        model.Dropout ?? config.ClassifierDropout ?? config.HiddenDropoutProb;
}
