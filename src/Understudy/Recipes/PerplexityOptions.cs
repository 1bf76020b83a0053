using Understudy.Data;
using Understudy.Models;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>How well a model predicts a text, and how much of that is lost with fewer bits.</summary>
public sealed record PerplexityOptions
{
    /// <summary>Type of the weights, and of the arithmetic.</summary>
    /// <value>The default value is float32.</value>
    public WeightType Dtype { get; init; } = WeightType.Float32;

    /// <summary>How the linear layers are held in the second measurement.</summary>
    /// <value>The default value is nf4; none measures the model as it is, and no more.</value>
    public WeightQuantization Quantization { get; init; } = WeightQuantization.Nf4;

    /// <summary>Numbers that share a scale in nf4: a power of 2 from 32 to 4,096.</summary>
    /// <value>The default value is 64.</value>
    public int BlockSize { get; init; } = 64;

    /// <summary>Whether the scales of nf4 are quantised too.</summary>
    /// <value>The default value is true.</value>
    public bool DoubleQuantization { get; init; } = true;

    /// <summary>The most tokens that the model sees at once, at least 2.</summary>
    /// <value>The default value is null: 1,024, or what the model takes when that is less.</value>
    public int? Context { get; init; }

    /// <summary>Tokens from one window to the next, from 1 to the context: every token but those of the first window is predicted from at least context - stride tokens.</summary>
    /// <value>The default value is null: half of the context.</value>
    public int? Stride { get; init; }

    /// <summary>The most tokens of the text, at least 2.</summary>
    /// <value>The default value is 100,000.</value>
    public int MaxTokens { get; init; } = 100_000;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        Nf4Weight.BlockSizes.Contains(BlockSize) ? null : new OptionFault("block_size", $"expected one of {string.Join(", ", Nf4Weight.BlockSizes)}, found {BlockSize}."),
        AtLeast("context", Context, 2),
        AtLeast("stride", Stride, 1),
        AtLeast("max_tokens", MaxTokens, 2),
        Stride > (Context ?? int.MaxValue) ? new OptionFault("stride", $"expected at most the context, {Context}, found {Stride}: tokens between two windows would not be predicted.") : null);
}
