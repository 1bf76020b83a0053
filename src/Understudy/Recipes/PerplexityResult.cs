namespace Understudy.Recipes;

/// <summary>How well a model predicts a text, in one or two forms of its weights.</summary>
/// <param name="Tokens">Tokens that were predicted.</param>
/// <param name="Bytes">Bytes of the text in UTF-8.</param>
/// <param name="Context">The most tokens that the model saw at once.</param>
/// <param name="Stride">Tokens from one window to the next.</param>
/// <param name="Figures">The model in its type, then with quantised layers where that was asked for.</param>
public sealed record PerplexityResult(int Tokens, long Bytes, int Context, int Stride, IReadOnlyList<PerplexityFigures> Figures);

/// <summary>What one form of the weights reaches.</summary>
/// <param name="Weights">The form: <c>float32</c>, <c>bfloat16</c>, <c>nf4</c> or <c>int8</c>.</param>
/// <param name="WeightBytes">What all weights take in memory.</param>
/// <param name="Loss">Mean cross-entropy of a token in nats.</param>
/// <param name="BitsPerByte">Cross-entropy of the text in bits, by its bytes: comparable between tokenizers.</param>
/// <param name="TokensPerSecond">Tokens computed in a second, those that only serve as context included.</param>
public sealed record PerplexityFigures(string Weights, long WeightBytes, double Loss, double BitsPerByte, double TokensPerSecond)
{
    /// <summary>exp of the loss: among how many equally probable tokens the model might as well choose.</summary>
    public double Perplexity => Math.Exp(Loss);
}
