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
}
