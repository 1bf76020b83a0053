using System.Text.Json.Nodes;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>A causal language model with a classification head on its last real token (layout of transformers' <c>LlamaForSequenceClassification</c> and its like).</summary>
public sealed class CausalSequenceClassifier : ISequenceClassifier, IStepModel
{
    private readonly ICausalLanguageModel body;
    private readonly Linear score;
    private readonly string architecture;
    private readonly int? padTokenId;

    /// <summary>Builds the model from a source of weights.</summary>
    /// <param name="architecture">Name of the class in transformers.</param>
    /// <param name="body">Builds the language model, without an output layer.</param>
    /// <param name="labels">Names of the classes.</param>
    /// <param name="padTokenId">Id that fills short rows, which transformers needs to know to find the last token.</param>
    /// <param name="source">A checkpoint or new weights.</param>
    internal CausalSequenceClassifier(string architecture, Func<IParameterSource, ICausalLanguageModel> body, IReadOnlyList<string> labels, int? padTokenId, IParameterSource source)
    {
        (this.architecture, this.padTokenId, Labels) = (architecture, padTokenId, labels);
        var record = new RecordingSource(source);
        this.body = body(record);
        score = Linear.Take(record, "score", this.body.HiddenSize, labels.Count, bias: false, isHead: true);
        Parameters = record.Taken;
        Linears = record.Linears;
    }

    /// <inheritdoc/>
    public IReadOnlyList<NamedParameter> Parameters { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Linear> Linears { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Labels { get; }

    /// <inheritdoc/>
    public bool Training
    {
        get => body.Training;
        set => body.Training = value;
    }

    /// <inheritdoc/>
    public double? Dropout
    {
        get => body.Dropout;
        set => body.Dropout = value;
    }

    /// <inheritdoc/>
    public bool GradientCheckpointing
    {
        get => body.GradientCheckpointing;
        set => body.GradientCheckpointing = value;
    }

    /// <inheritdoc/>
    public int MaxLength => body.MaxLength;

    /// <inheritdoc/>
    public JsonObject ToConfigJson()
    {
        var json = body.ToConfigJson();
        json["architectures"] = new JsonArray(architecture);
        json["pad_token_id"] = padTokenId;
        LabelNames.Write(json, Labels);
        return json;
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor inputIds, Tensor? attentionMask = null, Tensor? tokenTypeIds = null)
    {
        using var scope = torch.NewDisposeScope();
        var hidden = body.Hidden(inputIds, attentionMask);   // [batch, tokens, hidden]
        var tokens = inputIds.size(1);
        if (attentionMask is null) return scope.MoveToOuter(score.forward(hidden.select(1, tokens - 1)));

        var last = (attentionMask * torch.arange(tokens, device: inputIds.device)).argmax(1);   // [batch]
        var index = last.view(-1, 1, 1).expand(hidden.size(0), 1, hidden.size(2));
        return scope.MoveToOuter(score.forward(hidden.gather(1, index).squeeze(1)));
    }

    StepShape IStepModel.StepShape => ((IStepBody)body).StepShape;

    string? IStepModel.StepObstacle => body is IStepBody own ? own.HiddenObstacle : $"a body of the kind {body.GetType().Name}";

    int IStepModel.StepOutputs => Labels.Count;

    bool IStepModel.StepReadsLast => true;

    void IStepModel.Build(StepBuilder step) => step.Output(((IStepBody)body).BuildHidden(step), score);

    /// <inheritdoc/>
    public void Dispose()
    {
        body.Dispose();
        ModelTensors.Free(this);
    }
}
