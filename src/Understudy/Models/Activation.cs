using Understudy.Torch;

namespace Understudy.Models;

/// <summary>The activation functions that configurations name, under the names of Hugging Face's <c>ACT2FN</c>.</summary>
public static class Activation
{
    /// <summary>The names <see cref="ByName"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["gelu", "gelu_new", "gelu_fast", "gelu_python", "gelu_pytorch_tanh", "quick_gelu", "relu", "relu2", "silu", "swish", "sigmoid", "tanh", "linear"];

    /// <summary>The function of a name.</summary>
    /// <param name="name">Value of <c>hidden_act</c>.</param>
    /// <param name="config">The configuration that names it, for the message.</param>
    /// <param name="key">Its key there.</param>
    /// <exception cref="InvalidDataException">The name is not known.</exception>
    public static Func<Tensor, Tensor> ByName(string name, ConfigJson config, string key = "hidden_act") => name switch
    {
        "gelu" or "gelu_python" => x => nn.functional.gelu(x),
        // gelu_fast writes the same tanh approximation with the square root multiplied out.
        "gelu_new" or "gelu_fast" or "gelu_pytorch_tanh" => x => nn.functional.gelu(x, tanhApproximation: true),
        "quick_gelu" => x => x * (x * 1.702).sigmoid(),
        "relu" => nn.functional.relu,
        "relu2" => x => nn.functional.relu(x).pow(2),
        "silu" or "swish" => nn.functional.silu,
        "sigmoid" => x => x.sigmoid(),
        "tanh" => x => x.tanh(),
        "linear" => x => x,
        _ => throw config.Unsupported(key, name, string.Join(", ", Names)),
    };
}
