using Understudy.Torch;

namespace Understudy.Models;

/// <summary>What the caches of a model's inference hold.</summary>
/// <param name="Layers">Layers with keys and values of a row's own tokens. One is enough where every layer's are used up before the next layer's come.</param>
/// <param name="KeyHeads">Heads of keys and values.</param>
/// <param name="HeadDim">Numbers of a head.</param>
/// <param name="SourceLayers">Layers with keys and values of a source; 0 for none.</param>
internal readonly record struct StepShape(int Layers, int KeyHeads, int HeadDim, int SourceLayers = 0);

/// <summary>A model that can say what it computes as the operations of an <see cref="InferenceStep"/>.</summary>
internal interface IStepModel : IPretrainedModel
{
    /// <summary>What its caches hold.</summary>
    StepShape StepShape { get; }

    /// <summary>What a step cannot compute of this model; null where it can. Adapters and the types of weights are not meant.</summary>
    string? StepObstacle { get; }

    /// <summary>Numbers that a selected token's output has.</summary>
    int StepOutputs { get; }

    /// <summary>Id of a token that positions are counted without, and that a text may hold all the same; null for none.</summary>
    int? StepPadding => null;

    /// <summary>Whether a classifier reads a row's last token rather than its first.</summary>
    bool StepReadsLast => false;

    /// <summary>Writes down what it computes.</summary>
    void Build(StepBuilder step);
}

/// <summary>A causal language model whose hidden states another output layer may read.</summary>
internal interface IStepBody : IStepModel
{
    /// <summary>What a step cannot compute of the hidden states; null where it can.</summary>
    string? HiddenObstacle { get; }

    /// <summary>Writes down what it computes up to its last normalisation.</summary>
    /// <returns>The selected tokens' hidden states, for products.</returns>
    StepValue BuildHidden(StepBuilder step);
}

/// <summary>A model that writes a text about a source: its own step is the decoder's, and another step computes the keys and values of a source, which the decoder attends to.</summary>
internal interface ISourceStepModel : IStepModel
{
    /// <summary>What the cache of the encoder's step holds.</summary>
    StepShape EncoderShape { get; }

    /// <summary>Writes down what the encoder computes and what every layer of the decoder keeps of it.</summary>
    void BuildSource(StepBuilder step);
}
