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

    /// <summary>Writes down what it computes.</summary>
    void Build(StepBuilder step);
}
