using Understudy.Torch;

namespace Understudy.Models;

/// <summary>How a new weight is filled.</summary>
public enum ParameterInit
{
    /// <summary>Normal with mean 0 and the configuration's <c>initializer_range</c>.</summary>
    Normal,

    /// <summary>Zeros: biases.</summary>
    Zeros,

    /// <summary>Ones: the weights of normalisation layers.</summary>
    Ones,
}

/// <summary>Where a model gets its weights from while it is built: a checkpoint, or a random generator.</summary>
public interface IParameterSource
{
    /// <summary>One weight, float32 unless the source was told otherwise, with <see cref="Tensor.requires_grad"/> set.</summary>
    /// <param name="name">Its name in a Hugging Face checkpoint.</param>
    /// <param name="init">How it is filled when it is new.</param>
    /// <param name="shape">Its sizes.</param>
    Tensor Take(string name, ParameterInit init, params ReadOnlySpan<long> shape);

    /// <summary>The matrix of a linear layer; a source may hold it in fewer bits.</summary>
    /// <param name="name">Its name in a Hugging Face checkpoint.</param>
    /// <param name="inFeatures">Numbers that go in.</param>
    /// <param name="outFeatures">Numbers that come out.</param>
    /// <param name="layout">Which side a checkpoint stores first.</param>
    /// <param name="quantizable">Whether it may be held in fewer bits; not so for output layers.</param>
    ILinearWeight TakeLinear(string name, long inFeatures, long outFeatures, LinearLayout layout = LinearLayout.OutIn, bool quantizable = true) => new DenseWeight(
        name,
        layout == LinearLayout.InOut ? Take(name, ParameterInit.Normal, inFeatures, outFeatures) : Take(name, ParameterInit.Normal, outFeatures, inFeatures),
        layout);

    /// <summary>Whether it has a weight under a name; a source of new weights has every one.</summary>
    bool Has(string name) => true;

    /// <summary>Whether it stores, under one name, other values than under another that a model may share: an output layer that is not the embedding.</summary>
    /// <param name="name">The name in question.</param>
    /// <param name="main">The name of the weight that could stand for it.</param>
    bool HasOwn(string name, string main) => false;

    /// <summary>Whether output layers may be held in fewer bits as well.</summary>
    bool QuantizesOutput => false;

    /// <summary>Says that a linear layer is built.</summary>
    void Built(Linear layer)
    {
    }
}
