using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>A model with random weights and its training step: the loss and the parts of a training that the recipes use, and no others.</summary>
internal sealed class BenchModel : IDisposable
{
    private readonly LoraModel? lora;

    /// <summary>Builds it.</summary>
    internal BenchModel(BenchOptions options, Device device)
    {
        Options = options;
        Device = device;
        IParameterSource source = new RandomParameters(options.Seed, 0.02, device);
        if (options.Lora is { } adapter)
        {
            source = new HeldParameters(source, adapter);
        }

        Model = Build(options, source, device);
        try
        {
            lora = options.Lora is null ? null : new LoraModel(Model);
            Trained = lora?.Add(options.Lora!.ToConfig(options.Architecture.Family == BenchFamily.GptNeox ? "CAUSAL_LM" : "", ""), options.Seed).Parameters ?? Model.Parameters;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal BenchOptions Options { get; }

    internal Device Device { get; }

    internal IPretrainedModel Model { get; }

    /// <summary>All weights, or those of the adapter.</summary>
    internal IReadOnlyList<NamedParameter> Trained { get; }

    /// <summary>A training of this model in a precision.</summary>
    internal TrainingSession Begin(PrecisionMode precision) => new(
        Model,
        new TrainingOptions { Precision = precision, LearningRate = 1e-4, Schedule = ScheduleType.Constant, WeightDecay = 0.1, GradientCheckpointing = Options.GradientCheckpointing, KeepBest = false },
        int.MaxValue, Options.Seed, folder: null, lora is null ? null : Trained);

    /// <summary>One training step, the making of the batch's tensors included.</summary>
    internal void Step(TrainingSession session, BenchBatch batch)
    {
        using var scope = torch.NewDisposeScope();
        session.BeginStep();
        Tensor loss;
        using (OperationProfile.Range("outside of operations"))
        {
            loss = Loss(session, batch);
        }

        using (OperationProfile.Range("outside of operations", backward: true))
        {
            loss.backward();
        }

        using (OperationProfile.Range("outside of operations, optimiser"))
        {
            session.EndStep(loss.item<double>(), batch.Tokens + batch.TargetTokens, int.MaxValue);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lora?.Dispose();
        Model.Dispose();
    }

    /// <summary>A model of the options' architecture with the weights of a source.</summary>
    internal static IPretrainedModel Build(BenchOptions options, IParameterSource source, Device device)
    {
        var shape = options.Architecture;
        var inner = shape.IntermediateSize ?? 4 * shape.HiddenSize;
        switch (shape.Family)
        {
            case BenchFamily.GptNeox:
                return new GptNeoxForCausalLM(new GptNeoxConfig
                {
                    VocabSize = options.VocabSize,
                    HiddenSize = shape.HiddenSize,
                    NumHiddenLayers = shape.NumHiddenLayers,
                    NumAttentionHeads = shape.NumAttentionHeads,
                    IntermediateSize = inner,
                    MaxPositionEmbeddings = shape.MaxPositionEmbeddings,
                    TieWordEmbeddings = shape.TieWordEmbeddings,
                    HiddenDropout = shape.Dropout,
                    AttentionDropout = shape.Dropout,
                }, source, device);
            case BenchFamily.Bart:
                return new BartForConditionalGeneration(new BartConfig
                {
                    VocabSize = options.VocabSize,
                    HiddenSize = shape.HiddenSize,
                    EncoderLayers = shape.NumHiddenLayers,
                    EncoderAttentionHeads = shape.NumAttentionHeads,
                    EncoderFfnDim = inner,
                    DecoderLayers = shape.NumHiddenLayers,
                    DecoderAttentionHeads = shape.NumAttentionHeads,
                    DecoderFfnDim = inner,
                    MaxPositionEmbeddings = shape.MaxPositionEmbeddings,
                    Dropout = shape.Dropout,
                    AttentionDropout = shape.Dropout,
                    ActivationDropout = shape.Dropout,
                    PadTokenId = 0,
                    DecoderStartTokenId = 1,
                }, source);
            default:
                var roberta = shape.Family == BenchFamily.Roberta;
                var config = new BertConfig
                {
                    ModelType = roberta ? "roberta" : "bert",
                    VocabSize = options.VocabSize,
                    HiddenSize = shape.HiddenSize,
                    NumHiddenLayers = shape.NumHiddenLayers,
                    NumAttentionHeads = shape.NumAttentionHeads,
                    IntermediateSize = inner,
                    // RoBERTa's first position is that of the padding token plus one.
                    MaxPositionEmbeddings = shape.MaxPositionEmbeddings + (roberta ? 1 : 0),
                    TypeVocabSize = roberta ? 1 : 2,
                    LayerNormEps = roberta ? 1e-5 : 1e-12,
                    HiddenDropoutProb = shape.Dropout,
                    AttentionProbsDropoutProb = shape.Dropout,
                    PadTokenId = 0,
                    Labels = ["no", "yes"],
                };
                return roberta ? new RobertaForSequenceClassification(config, source) : new BertForSequenceClassification(config, source);
        }
    }

    private Tensor Loss(TrainingSession session, BenchBatch batch)
    {
        var (ids, mask) = TokenRows.Pad(batch.Rows, 0, device: Device);   // [rows, tokens]
        switch (Model)
        {
            case ICausalLanguageModel causal:
                using (session.Autocast())
                {
                    return Losses.NextToken(causal.Prelogits(causal.Hidden(ids, mask)), ids, batch.Rows.Sum(row => row.Length - 1.0));
                }

            case ISequenceToSequenceModel writer:
                var labels = TokenRows.Pad(batch.Targets, 0, device: Device).Ids;   // [rows, target]
                var input = Losses.DecoderInput(labels, writer.DecoderStartTokenId, writer.PadTokenId);
                using (session.Autocast())
                {
                    return Losses.TargetToken(writer.Prelogits(writer.Decode(input, writer.Encode(ids, mask), mask)), labels, batch.TargetTokens);
                }

            case ISequenceClassifier classifier:
                Tensor output;
                using (session.Autocast())
                {
                    output = classifier.Forward(ids, mask);   // [rows, classes]
                }

                var classes = torch.tensor(batch.Classes).to(Device);
                return Losses.ClassSum(output, classes, torch.ones([batch.Classes.Length], device: Device)) / batch.Classes.Length;
            default:
                throw new InvalidOperationException($"A {Model.GetType().Name} has no training step here.");
        }
    }

    /// <summary>Weights as an adapter's base holds them, one after the other.</summary>
    private sealed class HeldParameters(IParameterSource inner, LoraOptions options) : IParameterSource
    {
        public Tensor Take(string name, ParameterInit init, params ReadOnlySpan<long> shape)
        {
            using var scope = torch.NewDisposeScope();
            using var wide = inner.Take(name, init, shape);
            return DisposeScope.Detach(wide.detach().to(options.BaseDtype.ToScalarType()));
        }

        public ILinearWeight TakeLinear(string name, long inFeatures, long outFeatures, LinearLayout layout, bool quantizable)
        {
            if (!quantizable || options.BaseQuantization == WeightQuantization.None) return new DenseWeight(name, Take(name, ParameterInit.Normal, outFeatures, inFeatures));
            using var wide = Take(name, ParameterInit.Normal, outFeatures, inFeatures);
            return options.BaseQuantization == WeightQuantization.Nf4 ? Nf4Weight.Quantize(name, wide) : Int8Weight.Quantize(name, wide);
        }
    }
}
