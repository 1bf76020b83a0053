using System.Text.Json.Nodes;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>BERT or RoBERTa with a masked-language-model head (layout of transformers' <c>BertForMaskedLM</c> and <c>RobertaForMaskedLM</c>, which name the same head differently).</summary>
public sealed class BertForMaskedLM : IMaskedLanguageModel, IStepModel
{
    private readonly BertEncoder encoder;
    private readonly Linear dense;
    private readonly LayerNorm norm;
    private readonly Linear decoder;
    private readonly Func<Tensor, Tensor> act;

    /// <summary>Builds the model from a source of weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="source">A checkpoint or new weights.</param>
    public BertForMaskedLM(BertConfig config, IParameterSource source)
    {
        Config = config;
        var record = new RecordingSource(source);
        encoder = new BertEncoder(config, record, config.IsRoberta ? "roberta." : "bert.");
        var (transform, layerNorm, output) = config.IsRoberta
            ? ("lm_head.dense", "lm_head.layer_norm", "lm_head")
            : ("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions");
        dense = Linear.Take(record, transform, config.HiddenSize, config.HiddenSize, isHead: true);
        norm = LayerNorm.Take(record, layerNorm, config.HiddenSize, config.LayerNormEps);
        decoder = config.TieWordEmbeddings
            ? Linear.Tied(record, $"{output}.decoder", encoder.WordEmbeddings, record.Take($"{output}.bias", ParameterInit.Zeros, config.VocabSize))
            : Linear.Take(record, $"{output}.decoder", config.HiddenSize, config.VocabSize, isHead: true);
        // RoBERTa's head knows one activation, whatever the blocks have.
        act = config.IsRoberta ? x => nn.functional.gelu(x) : Activation.ByName(config.HiddenAct, new ConfigJson(config.ToJson(""), ConfigJson.FileName));
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
    public int VocabularySize => Config.VocabSize;

    /// <inheritdoc/>
    public JsonObject ToConfigJson() => Config.ToJson(Config.IsRoberta ? "RobertaForMaskedLM" : "BertForMaskedLM");

    /// <inheritdoc/>
    public Tensor Hidden(Tensor inputIds, Tensor? attentionMask = null, Tensor? tokenTypeIds = null) =>
        encoder.forward(inputIds, attentionMask, tokenTypeIds, Probabilities.Of(this, Config), checkpointed: GradientCheckpointing && Training);

    /// <inheritdoc/>
    public Prelogits Prelogits(Tensor hidden)
    {
        using var scope = torch.NewDisposeScope();
        // Under autocast the product is 16 bit, and the normalisation takes its weights' type.
        return new Prelogits(scope.MoveToOuter(norm.forward(act(dense.forward(hidden)).to(norm.Weight.dtype))), decoder);
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor inputIds, Tensor? attentionMask = null, Tensor? tokenTypeIds = null)
    {
        using var scope = torch.NewDisposeScope();
        return scope.MoveToOuter(Prelogits(Hidden(inputIds, attentionMask, tokenTypeIds)).Logits());
    }

    StepShape IStepModel.StepShape => encoder.StepShape;

    string? IStepModel.StepObstacle => encoder.StepObstacle;

    int IStepModel.StepOutputs => Config.VocabSize;

    int? IStepModel.StepPadding => encoder.StepPadding;

    void IStepModel.Build(StepBuilder step) =>
        step.Output(step.Norm(norm, step.Activated(encoder.Build(step, isSelected: true).Factors, dense, Config.IsRoberta ? StepActivation.Gelu : Activation.StepByName(Config.HiddenAct)!.Value)), decoder);

    /// <inheritdoc/>
    public void Dispose() => ModelTensors.Free(this);
}
