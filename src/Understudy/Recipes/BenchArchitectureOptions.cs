using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>The shape of a model that <see cref="Bench"/> measures. Key names are those of a run file's <c>architecture</c>.</summary>
public sealed record BenchArchitectureOptions
{
    /// <summary>The family of the model.</summary>
    /// <value>The default value is <see cref="BenchFamily.GptNeox"/>.</value>
    public BenchFamily Family { get; init; }

    /// <summary>Layers, at least 1; of an encoder-decoder, of each of the two.</summary>
    /// <value>The default value is 6.</value>
    public int NumHiddenLayers { get; init; } = 6;

    /// <summary>Width of the hidden states, a multiple of <see cref="NumAttentionHeads"/>.</summary>
    /// <value>The default value is 512.</value>
    public int HiddenSize { get; init; } = 512;

    /// <summary>Attention heads, at least 1.</summary>
    /// <value>The default value is 8.</value>
    public int NumAttentionHeads { get; init; } = 8;

    /// <summary>Width of the feed-forward layers, at least 1.</summary>
    /// <value>The default value is null: four times <see cref="HiddenSize"/>.</value>
    public int? IntermediateSize { get; init; }

    /// <summary>The most tokens in a row, at least 2.</summary>
    /// <value>The default value is 512.</value>
    public int MaxPositionEmbeddings { get; init; } = 512;

    /// <summary>Probability with which an activation or an attention weight is dropped in training, from 0 to below 1.</summary>
    /// <value>The default value is 0.</value>
    public double Dropout { get; init; }

    /// <summary>Whether the output layer of a GPT-NeoX shares its weights with the input embedding; a BART's always does.</summary>
    /// <value>The default value is false.</value>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        AtLeast("num_hidden_layers", NumHiddenLayers, 1),
        AtLeast("hidden_size", HiddenSize, 1),
        AtLeast("num_attention_heads", NumAttentionHeads, 1),
        AtLeast("intermediate_size", IntermediateSize, 1),
        AtLeast("max_position_embeddings", MaxPositionEmbeddings, 2),
        FromToBelow("dropout", Dropout, 0, 1),
        NumAttentionHeads >= 1 && HiddenSize >= 1 && HiddenSize % NumAttentionHeads != 0
            ? new OptionFault("hidden_size", $"expected a multiple of 'num_attention_heads' ({NumAttentionHeads}), found {HiddenSize}.")
            : null);
}
