using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>What <see cref="Inspect"/> assumes of a training, and whether it loads the model.</summary>
public sealed record InspectOptions
{
    /// <summary>Rows of a training batch, at least 1.</summary>
    /// <value>The default value is 1.</value>
    public int BatchSize { get; init; } = 1;

    /// <summary>Tokens of a row, at least 1.</summary>
    /// <value>The default value is null: 512, or the most that the model takes.</value>
    public int? Length { get; init; }

    /// <summary>Rank of the adapters, at least 1; on all linear layers but the output.</summary>
    /// <value>The default value is 16.</value>
    public int LoraRank { get; init; } = 16;

    /// <summary>Whether the model is loaded, and time and memory are measured.</summary>
    /// <value>The default value is false.</value>
    public bool Load { get; init; }

    /// <summary>Type that the weights are loaded in.</summary>
    /// <value>The default value is null: the type of the file.</value>
    public ScalarType? DType { get; init; }

    /// <summary>How the linear layers are loaded.</summary>
    /// <value>The default value is in the type of the rest.</value>
    public WeightQuantization Quantization { get; init; }
}
