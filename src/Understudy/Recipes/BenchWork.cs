using Understudy.Models;

namespace Understudy.Recipes;

/// <summary>Arithmetic that a training step cannot do without: operations of the products with the weights, forward and backward.</summary>
/// <remarks>
/// A weight costs 6 operations for each token: 2 forward, 2 for the gradient of what went in and 2 for its own (Kaplan et al., arXiv 2001.08361, section 2.1); 4 when it is not trained itself, 6 again for
/// the weights of an adapter beside it. The tables that words, positions and segments are looked up in do not count, an output layer tied to one does, once. Attention scores, which depend on
/// the length alone, do not count, and padding does not. All weights of a classifier count for every token, those of its head as well.
/// </remarks>
/// <param name="Parameters">Weights of the model.</param>
/// <param name="Counted">Weights that count for every token of a row; of an encoder-decoder, those of the encoder, for a token of the source.</param>
/// <param name="CountedTarget">Weights that count for a token of the target: those of the decoder and the output layer; 0 for other families.</param>
/// <param name="Trained">Weights that are trained: all, or those of the adapter.</param>
/// <param name="PerToken">Operations for a token of a row.</param>
/// <param name="PerTargetToken">Operations for a token of a target.</param>
public sealed record BenchWork(long Parameters, long Counted, long CountedTarget, long Trained, double PerToken, double PerTargetToken)
{
    private static readonly string[] Tables = [".embed_in.", ".word_embeddings.", ".position_embeddings.", ".token_type_embeddings.", ".embed_positions.", ".shared."];

    /// <summary>Operations of a step.</summary>
    /// <param name="tokens">Tokens of its rows.</param>
    /// <param name="targetTokens">Tokens of its targets.</param>
    public double Operations(double tokens, double targetTokens) => (PerToken * tokens) + (PerTargetToken * targetTokens);

    /// <summary>The work of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="trained">The weights that are trained: the model's own, or those of an adapter.</param>
    internal static BenchWork Of(IPretrainedModel model, IReadOnlyList<NamedParameter> trained)
    {
        var adapted = !ReferenceEquals(trained, model.Parameters);
        // A matrix in few bits has fewer numbers than weights; one that output and embedding share is looked up in and multiplied with.
        var matrices = model.Linears.SelectMany(layer => layer.Weight.Parameters).Select(parameter => parameter.Value).ToHashSet(ReferenceEqualityComparer.Instance);
        long source = 0, target = 0, tables = 0, adapterSource = 0, adapterTarget = 0;
        foreach (var (name, value) in model.Parameters)
        {
            if (Tables.Any(table => name.Contains(table, StringComparison.Ordinal))) tables += matrices.Contains(value) ? 0 : value.numel();
            else if (matrices.Contains(value)) continue;
            else if (OfTarget(name)) target += value.numel();
            else source += value.numel();
        }

        foreach (var layer in model.Linears)
        {
            if (OfTarget(layer.Name) || (layer.IsHead && model is ISequenceToSequenceModel)) target += layer.Weight.InFeatures * layer.Weight.OutFeatures;
            else source += layer.Weight.InFeatures * layer.Weight.OutFeatures;
        }

        foreach (var (name, value) in adapted ? trained : [])
        {
            if (OfTarget(name)) adapterTarget += value.numel();
            else adapterSource += value.numel();
        }

        var each = adapted ? 4.0 : 6.0;
        return new BenchWork(
            source + target + tables, source, target, trained.Sum(parameter => parameter.Value.numel()),
            (each * source) + (6.0 * adapterSource), (each * target) + (6.0 * adapterTarget));
    }

    private static bool OfTarget(string name) => name.Contains("model.decoder.", StringComparison.Ordinal);
}
