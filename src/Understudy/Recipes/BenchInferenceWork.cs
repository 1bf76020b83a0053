using Understudy.Models;

namespace Understudy.Recipes;

/// <summary>
/// What generation cannot do without: 2 operations for each weight and token, the tables that are looked up in left out (<see cref="BenchWork"/>), the output layer for those tokens alone whose logits
/// are asked for; and the bytes of the weights, which are read once for a step. Attention over the cache does not count.
/// </summary>
/// <param name="PerToken">Operations for a token before the output layer; of an encoder-decoder, for a token of the target.</param>
/// <param name="PerLogits">Operations for the logits of a token.</param>
/// <param name="PerSourceToken">Operations for a token of an encoder-decoder's source; 0 for other families.</param>
/// <param name="WeightBytes">Bytes of the weights that a step reads: 2 for a weight of a matrix in bfloat16, 1 in int8, 4 for scales, biases and norms.</param>
public sealed record BenchInferenceWork(double PerToken, double PerLogits, double PerSourceToken, long WeightBytes)
{
    /// <summary>The work of a model.</summary>
    internal static BenchInferenceWork Of(IPretrainedModel model)
    {
        var work = BenchWork.Of(model, model.Parameters);
        long outputs = 0, matrices = 0, bytes = 0;
        foreach (var layer in model.Linears)
        {
            var weights = layer.Weight.InFeatures * layer.Weight.OutFeatures;
            matrices += weights;
            bytes += layer.Weight is Int8Weight ? weights + (4 * layer.Weight.OutFeatures) : 2 * weights;
            if (layer.IsHead) outputs += weights;
        }

        bytes += 4 * (work.Counted + work.CountedTarget - matrices);
        return model is ISequenceToSequenceModel
            ? new BenchInferenceWork(2.0 * (work.CountedTarget - outputs), 2.0 * outputs, 2.0 * work.Counted, bytes)
            : new BenchInferenceWork(2.0 * (work.Counted - outputs), 2.0 * outputs, 0, bytes);
    }

    /// <summary>Operations of tokens, of which some have logits.</summary>
    internal double Operations(double tokens, double logits) => (PerToken * tokens) + (PerLogits * logits);
}
