using Understudy.Data;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>What a pre-training asks of its model.</summary>
internal interface IPretrainingObjective : IDisposable
{
    /// <summary>The model.</summary>
    IPretrainedModel Model { get; }

    /// <summary>The most tokens of a piece that the model takes with what is put around it.</summary>
    int LongestPiece { get; }

    /// <summary>A micro-batch; made on any thread.</summary>
    /// <param name="pieces">Pieces of documents, see <see cref="Understudy.Training.PackedTokens.Pieces"/>.</param>
    /// <param name="random">What is hidden or spoilt.</param>
    PretrainingBatch Layout(IReadOnlyList<int[]> pieces, SeededRandom random);

    /// <summary>Sum of the cross-entropies of the labels that count, over a divisor.</summary>
    Tensor Loss(PretrainingBatch batch, double divisor, double labelSmoothing, Device device);

    /// <summary>What the model makes of a text.</summary>
    string Sample(string prompt, SampleOptions options, long seed);
}
