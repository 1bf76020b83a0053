namespace Understudy.Models;

/// <summary>How the matrices of linear layers are held. Output layers, embeddings, norms and biases stay as they are.</summary>
public enum WeightQuantization
{
    /// <summary>As numbers of the model's type.</summary>
    None,

    /// <summary>4 bits in blocks of 64 (QLoRA; Dettmers et al., arXiv 2305.14314): see <see cref="Nf4Weight"/>.</summary>
    Nf4,

    /// <summary>8 bits with a scale per output row, for generation: see <see cref="Int8Weight"/>.</summary>
    Int8,
}
