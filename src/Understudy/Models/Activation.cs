using Understudy.Torch;

namespace Understudy.Models;

/// <summary>The activation functions that configurations name, under the names of Hugging Face's <c>ACT2FN</c>.</summary>
public static class Activation
{
    /// <summary>The names <see cref="ByName"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "gelu", "gelu_10", "gelu_accurate", "gelu_fast", "gelu_new", "gelu_python", "gelu_python_tanh", "gelu_pytorch_tanh", "leaky_relu", "linear", "mish",
        "quick_gelu", "relu", "relu2", "relu6", "sigmoid", "silu", "swish", "tanh",
    ];

    /// <summary>The function of a name.</summary>
    /// <param name="name">Value of <c>hidden_act</c>.</param>
    /// <param name="config">The configuration that names it, for the message.</param>
    /// <param name="key">Its key there.</param>
    /// <exception cref="InvalidDataException">The name is not known.</exception>
    public static Func<Tensor, Tensor> ByName(string name, ConfigJson config, string key = "hidden_act") => name switch
    {
        "gelu" or "gelu_python" => x => nn.functional.gelu(x),
        // gelu_fast writes the same tanh approximation with the square root multiplied out.
        "gelu_new" or "gelu_fast" or "gelu_accurate" or "gelu_python_tanh" or "gelu_pytorch_tanh" => x => nn.functional.gelu(x, tanhApproximation: true),
        "gelu_10" => x => nn.functional.gelu(x).clamp(-10, 10),
        "leaky_relu" => x => x.maximum(x * 0.01),
        "mish" => x => x * Softplus(x).tanh(),
        "relu6" => x => x.clamp(0, 6),
        "quick_gelu" => x => x * (x * 1.702).sigmoid(),
        "relu" => nn.functional.relu,
        "relu2" => x => nn.functional.relu(x).pow(2),
        "silu" or "swish" => nn.functional.silu,
        "sigmoid" => x => x.sigmoid(),
        "tanh" => x => x.tanh(),
        "linear" => x => x,
        _ => throw config.Unsupported(key, name, string.Join(", ", Names)),
    };

    /// <summary>The function of a name, times the other half of a gated layer (Shazeer, arXiv 2002.05202) where there is one.</summary>
    /// <inheritdoc cref="ByName"/>
    public static Func<Tensor, Tensor?, Tensor> GatedByName(string name, ConfigJson config, string key = "hidden_act")
    {
        var act = ByName(name, config, key);
        Func<Tensor, Tensor, Tensor> product = name switch
        {
            "silu" or "swish" => nn.functional.silu_gated,
            "gelu" or "gelu_python" => (x, gated) => nn.functional.gelu_gated(x, gated),
            "gelu_new" or "gelu_fast" or "gelu_accurate" or "gelu_python_tanh" or "gelu_pytorch_tanh" => (x, gated) => nn.functional.gelu_gated(x, gated, tanhApproximation: true),
            _ => (x, gated) => act(x) * gated,
        };
        return (x, gated) => gated is null ? act(x) : product(x, gated);
    }

    /// <summary>The function of a name as an <see cref="InferenceStep"/> knows it; null where it does not.</summary>
    internal static StepActivation? StepByName(string name) => name switch
    {
        "gelu" or "gelu_python" => StepActivation.Gelu,
        "gelu_new" or "gelu_fast" or "gelu_accurate" or "gelu_python_tanh" or "gelu_pytorch_tanh" => StepActivation.GeluTanh,
        "quick_gelu" => StepActivation.QuickGelu,
        "relu" => StepActivation.Relu,
        "relu2" => StepActivation.Relu2,
        "silu" or "swish" => StepActivation.Silu,
        "sigmoid" => StepActivation.Sigmoid,
        "tanh" => StepActivation.Tanh,
        "linear" => StepActivation.None,
        _ => null,
    };

    // log(1 + e^x) without overflow.
    private static Tensor Softplus(Tensor x) => nn.functional.relu(x) + ((-x.abs()).exp() + 1).log();
}
