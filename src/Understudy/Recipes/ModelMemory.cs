using System.Text.Json.Serialization;
using Understudy.Models;

namespace Understudy.Recipes;

/// <summary>Estimates of the memory that a model needs, in bytes. The formulas are in <c>docs/models.md</c>; they leave out what a process needs by itself.</summary>
/// <param name="Float32">Weights in float32.</param>
/// <param name="BFloat16">Weights in bfloat16.</param>
/// <param name="Int8">Linear layers in 8 bits, the rest in bfloat16.</param>
/// <param name="Nf4">Linear layers in 4 bits with doubly quantised scales, the rest in bfloat16.</param>
/// <param name="CacheFloat32">Keys and values of 1,000 tokens of one row in float32; null for a model that does not generate.</param>
/// <param name="CacheBFloat16">The same in bfloat16.</param>
/// <param name="BatchSize">Rows of the batch that the tuning estimates are for.</param>
/// <param name="Length">Tokens of each of its rows.</param>
/// <param name="Tunings">Estimates by way of tuning.</param>
public sealed record ModelMemory(long Float32, [property: JsonPropertyName("bfloat16")] long BFloat16, long Int8, long Nf4, long? CacheFloat32, [property: JsonPropertyName("cache_bfloat16")] long? CacheBFloat16, int BatchSize, int Length, IReadOnlyList<TuningMemory> Tunings)
{
    // 4 bits, an 8-bit scale for 64 weights, and a float32 scale for 256 of those (Dettmers et al., arXiv 2305.14314).
    private const double Nf4BytesPerWeight = 0.5 + (1.0 / 64) + (4.0 / (64 * 256));

    /// <summary>Estimates for a model.</summary>
    /// <param name="model">The model or its outline.</param>
    /// <param name="sizes">Its sizes.</param>
    /// <param name="counts">Its weights.</param>
    /// <param name="batchSize">Rows of a training batch.</param>
    /// <param name="length">Tokens of a row.</param>
    internal static ModelMemory Of(IPretrainedModel model, ModelSizes sizes, ParameterCounts counts, int batchSize, int length)
    {
        var linears = model.Linears.Where(layer => !layer.IsHead).ToList();
        var matrices = linears.Sum(layer => layer.Weight.InFeatures * layer.Weight.OutFeatures);
        var few = linears.FindAll(layer => layer.IsQuantizable);
        var quantizable = few.Sum(layer => layer.Weight.InFeatures * layer.Weight.OutFeatures);
        var (float32, bfloat16) = (4 * counts.Total, 2 * counts.Total);
        var int8 = (2 * (counts.Total - quantizable)) + quantizable + few.Sum(layer => 4 * layer.Weight.OutFeatures);
        var nf4 = (2 * (counts.Total - quantizable)) + (long)(quantizable * Nf4BytesPerWeight);
        // One layer's numbers are there while it computes.
        var dequantized = 2 * few.Select(layer => layer.Weight.InFeatures * layer.Weight.OutFeatures).DefaultIfEmpty().Max();
        long? cache = model switch
        {
            ICausalLanguageModel => 2000L * sizes.Layers * sizes.KeyValueHeads * sizes.HeadDim,
            ISequenceToSequenceModel => 2000L * (sizes.DecoderLayers ?? sizes.Layers) * sizes.KeyValueHeads * sizes.HeadDim,
            _ => null,
        };
        TuningMemory Tuning(string name, long weights, long trained, bool autocast)
        {
            var (inside, between, output) = Activations(model, sizes, linears, batchSize, length, autocast);
            var blocks = sizes.Layers + (sizes.DecoderLayers ?? 0);
            return new TuningMemory(name, weights, 4 * trained, 8 * trained, (blocks * inside) + output, (blocks * between) + inside + output);
        }

        return new ModelMemory(float32, bfloat16, int8, nf4, 4 * cache, 2 * cache, batchSize, length,
        [
            Tuning("NF4 LoRA", nf4 + dequantized + (4 * counts.Lora), counts.Lora, autocast: true),
            Tuning("bf16 LoRA", bfloat16 + (4 * counts.Lora), counts.Lora, autocast: true),
            // Autocast keeps 16-bit copies of the matrices until the end of the forward pass.
            Tuning("full, bf16 arithmetic", float32 + (2 * matrices), counts.Total, autocast: true),
            Tuning("full, fp32", float32, counts.Total, autocast: false),
        ]);
    }

    /// <summary>Bytes kept for the gradient: inside a block, between two blocks, and of the output.</summary>
    internal static (long Inside, long Between, long Output) Activations(IPretrainedModel model, ModelSizes sizes, List<Linear> linears, int batchSize, int length, bool autocast)
    {
        var tokens = (long)batchSize * length;
        var narrow = autocast ? 2 : 4;
        var gated = linears.Exists(layer => layer.Name.EndsWith("gate_proj", StringComparison.Ordinal) || layer.Name.EndsWith("wi_1", StringComparison.Ordinal));
        var attention = sizes.Heads * sizes.HeadDim;
        var forward = sizes.IntermediateSize ?? 4 * sizes.HiddenSize;
        // The block's input stays float32; what goes into a matrix product has its type.
        var perToken = (4L * sizes.HiddenSize) + (narrow * ((2L * sizes.HiddenSize) + (4L * attention) + ((gated ? 4L : 2L) * forward)));
        // The probabilities of attention are computed in float32, and multiplied in the type of products.
        var perPair = (long)sizes.Heads * (autocast ? 6 : 4);
        var inside = tokens * (perToken + (perPair * length));
        var logits = model switch
        {
            ICausalLanguageModel or IMaskedLanguageModel or ISequenceToSequenceModel => tokens * sizes.VocabularySize * narrow,
            _ => 0,
        };
        // Logits and their gradient are there at once.
        return (inside, 4 * tokens * sizes.HiddenSize, 2 * logits);
    }
}

/// <summary>Memory of one way of tuning, in bytes.</summary>
/// <param name="Name">The way.</param>
/// <param name="Weights">The model's weights and those of adapters, in the types they are held in.</param>
/// <param name="Gradients">Gradients in float32.</param>
/// <param name="OptimizerState">AdamW's two averages in float32.</param>
/// <param name="Activations">What a batch keeps for the gradient.</param>
/// <param name="ActivationsCheckpointed">The same with gradient checkpointing.</param>
public sealed record TuningMemory(string Name, long Weights, long Gradients, long OptimizerState, long Activations, long ActivationsCheckpointed)
{
    /// <summary>All of it.</summary>
    public long Total => Weights + Gradients + OptimizerState + Activations;

    /// <summary>All of it with gradient checkpointing.</summary>
    public long TotalCheckpointed => Weights + Gradients + OptimizerState + ActivationsCheckpointed;
}
