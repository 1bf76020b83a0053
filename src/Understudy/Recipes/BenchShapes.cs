using Understudy.Data;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>A shape with a name.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Description">What it is, in a few words.</param>
/// <param name="Options">What is measured.</param>
public sealed record BenchShape(string Name, string Description, BenchOptions Options);

/// <summary>Shapes that engines are usually compared on. Dropout is that of the published configurations: 0.1 for RoBERTa, BERT and BART, 0 for GPT-NeoX.</summary>
public static class BenchShapes
{
    // Vocabulary and width of MiniLM-L6-H384; rows of its classifier at two lengths are measured.
    private static readonly BenchOptions MiniLm = Classifier(BenchFamily.Bert, 30_522, 6, 384, 12, batchSize: 32, rowLength: 32);

    /// <summary>All of them, in the order that a table shows them.</summary>
    public static IReadOnlyList<BenchShape> All { get; } =
    [
        new("neox-mini", "GPT-NeoX mini, 32 x 64", Causal(8_192, 6, 256, 4, batchSize: 32, rowLength: 64)),
        new("neox-70m", "GPT-NeoX 70m, 8 x 128", Causal(50_304, 6, 512, 8, batchSize: 8, rowLength: 128)),
        new("neox-160m", "GPT-NeoX 160m, 4 x 128", Causal(50_304, 12, 768, 12, batchSize: 4, rowLength: 128)),
        new("neox-410m", "GPT-NeoX 410m, all weights, 4 x 128", Causal(50_304, 24, 1024, 16, batchSize: 4, rowLength: 128)),
        new("neox-410m-lora", "LoRA of rank 16 on all linear layers of GPT-NeoX 410m held in bf16, 4 x 128", Causal(50_304, 24, 1024, 16, batchSize: 4, rowLength: 128) with
        {
            Lora = new LoraOptions { R = 16, BaseDtype = WeightType.Bfloat16 }, Precisions = [PrecisionMode.Bf16],
        }),
        new("minilm", "MiniLM classifier, 32 x 32", MiniLm),
        new("minilm-rows", "MiniLM classifier, 32 rows of 5 to 30 tokens by length", MiniLm with { ShortestRow = 5, RowLength = 30 }),
        new("roberta-base", "RoBERTa-base classifier, 16 x 64", Classifier(BenchFamily.Roberta, 50_265, 12, 768, 12, batchSize: 16, rowLength: 64)),
        new("roberta-large", "RoBERTa-large classifier, 8 x 64", Classifier(BenchFamily.Roberta, 50_265, 24, 1024, 16, batchSize: 8, rowLength: 64)),
        new("bart-large", "BART-large, 4 x (64 + 64)", Classifier(BenchFamily.Bart, 50_265, 12, 1024, 16, batchSize: 4, rowLength: 64) with { TargetLength = 64 }),
    ];

    /// <summary>The shape of a name.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static BenchShape ByName(string name) => All.FirstOrDefault(shape => shape.Name == name)
        ?? throw new InvalidDataException($"There is no shape '{name}'.{Suggest.DidYouMean(name, All.Select(shape => shape.Name))} There are: {string.Join(", ", All.Select(shape => shape.Name))}, and all.");

    private static BenchOptions Causal(int vocabulary, int layers, int width, int heads, int batchSize, int rowLength) =>
        Shape(BenchFamily.GptNeox, vocabulary, layers, width, heads, batchSize, rowLength, dropout: 0);

    private static BenchOptions Classifier(BenchFamily family, int vocabulary, int layers, int width, int heads, int batchSize, int rowLength) =>
        Shape(family, vocabulary, layers, width, heads, batchSize, rowLength, dropout: 0.1);

    private static BenchOptions Shape(BenchFamily family, int vocabulary, int layers, int width, int heads, int batchSize, int rowLength, double dropout) => new()
    {
        Architecture = new BenchArchitectureOptions
        {
            Family = family, NumHiddenLayers = layers, HiddenSize = width, NumAttentionHeads = heads, Dropout = dropout,
            MaxPositionEmbeddings = family switch { BenchFamily.GptNeox => 2048, BenchFamily.Bart => 1024, _ => 512 },
        },
        VocabSize = vocabulary, BatchSize = batchSize, RowLength = rowLength, GenerationRows = 0,
    };
}
