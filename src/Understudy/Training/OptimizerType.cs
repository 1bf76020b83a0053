namespace Understudy.Training;

/// <summary>What makes steps of gradients.</summary>
public enum OptimizerType
{
    /// <summary>AdamW for all weights (Loshchilov and Hutter, arXiv 1711.05101).</summary>
    AdamW,

    /// <summary>Muon for the matrices between the layers, AdamW for embeddings, the output layer, biases and normalisations: fewer steps to the same loss of a model from random weights. See <see cref="Training.Muon"/>.</summary>
    Muon,
}
