using Understudy.Data;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>A model and what is measured of it.</summary>
/// <param name="Shape">The model's shape.</param>
/// <param name="Items">What is measured.</param>
public sealed record BenchGenerateJob(BenchShape Shape, IReadOnlyList<BenchGenerateItem> Items);

/// <summary>Which shapes <see cref="BenchGenerate"/> measures what of.</summary>
public static class BenchGenerateShapes
{
    private static readonly BenchArchitectureOptions TinyArchitecture = new() { NumHiddenLayers = 1, HiddenSize = 32, NumAttentionHeads = 2, MaxPositionEmbeddings = 128 };

    // Shapes that a test runs in seconds; their figures say nothing.
    private static readonly BenchShape[] Tiny =
    [
        new("tiny", "GPT-NeoX of one layer", new BenchOptions { Architecture = TinyArchitecture, VocabSize = 300, GenerationRows = 0 }),
        new("tiny-bart", "BART of one layer", new BenchOptions { Architecture = TinyArchitecture with { Family = BenchFamily.Bart }, VocabSize = 300, GenerationRows = 0 }),
        new("tiny-bert", "BERT classifier of one layer", new BenchOptions { Architecture = TinyArchitecture with { Family = BenchFamily.Bert }, VocabSize = 300, GenerationRows = 0 }),
    ];

    private static readonly string[] Sizes = ["neox-mini", "neox-70m", "neox-160m", "neox-410m"];

    /// <summary>All of them: those of <see cref="BenchShapes"/> that generate or classify, and tiny ones.</summary>
    public static IReadOnlyList<BenchShape> All { get; } = [.. BenchShapes.All.Where(shape => shape.Options is { Lora: null, ShortestRow: null }), .. Tiny];

    /// <summary>Small counts, for a look at whether everything runs.</summary>
    public static BenchGenerateOptions Quick { get; } = new()
    {
        Rows = 4, PromptLength = 8, NewTokens = 4, Labels = 6, LabelPrompts = 2, LabelPromptLength = 6, PrefixPrompts = 6, PrefixLength = 32, PrefixOwnLength = 4, PrefixNewTokens = 2,
        MixedPrompts = 12, ShortestPrompt = 3, LongestPrompt = 20, ShortestText = 2, LongestText = 8, Beams = 2, BeamRows = 2, SourceLength = 6, TargetLength = 4, GrowthRows = 40,
        ClassifyRows = 2, ClassifyLength = 8, PredictTexts = 20, GemmSize = 64, MemoryMib = 4, Repeats = 1,
    };

    /// <summary>What is measured of which shape, one shape after the other.</summary>
    /// <param name="items">What to measure; none for everything.</param>
    /// <param name="shapes">Names of shapes, each measured with all items that its family has; none for those that every item is usually measured with.</param>
    /// <param name="quick">Whether tiny shapes take the place of the usual ones.</param>
    /// <exception cref="InvalidDataException">There is no such shape, or no item can be measured of them.</exception>
    public static IReadOnlyList<BenchGenerateJob> Plan(IReadOnlyCollection<BenchGenerateItem> items, IReadOnlyCollection<string> shapes, bool quick = false)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(shapes);
        List<BenchShape> chosen = [.. shapes.Distinct().Select(ByName)];
        List<BenchGenerateItem> wanted = [.. Enum.GetValues<BenchGenerateItem>().Where(item => items.Count == 0 || items.Contains(item))];
        List<BenchGenerateJob> jobs =
        [
            .. (chosen.Count > 0 ? chosen : [.. All])
                .Select(shape => new BenchGenerateJob(shape, [.. wanted.Where(item => chosen.Count > 0 ? Has(item, shape.Options.Architecture.Family) : Usual(item, quick).Contains(shape.Name))]))
                .Where(job => job.Items.Count > 0),
        ];
        return jobs.Count > 0 ? jobs
            : throw new InvalidDataException($"Nothing can be measured: {string.Join(", ", wanted.Select(item => ScalarValue.Text(item)))} of {string.Join(", ", chosen.Select(shape => shape.Name))}. beams takes a BART, classify and predict take a BERT or RoBERTa, everything else takes a GPT-NeoX.");
    }

    private static BenchShape ByName(string name) => All.FirstOrDefault(shape => shape.Name == name)
        ?? throw new InvalidDataException($"There is no shape '{name}' to generate with.{Suggest.DidYouMean(name, All.Select(shape => shape.Name))} There are: {string.Join(", ", All.Select(shape => shape.Name))}.");

    private static bool Has(BenchGenerateItem item, BenchFamily family) => item switch
    {
        BenchGenerateItem.Beams => family == BenchFamily.Bart,
        BenchGenerateItem.Classify or BenchGenerateItem.Predict => family is BenchFamily.Bert or BenchFamily.Roberta,
        _ => family == BenchFamily.GptNeox,
    };

    private static string[] Usual(BenchGenerateItem item, bool quick) => item switch
    {
        BenchGenerateItem.Beams => [quick ? "tiny-bart" : "bart-large"],
        BenchGenerateItem.Classify or BenchGenerateItem.Predict => [quick ? "tiny-bert" : "minilm"],
        _ when quick => ["tiny"],
        BenchGenerateItem.Decode or BenchGenerateItem.Prompt => Sizes,
        // The weights of the mini shape stay in the processor's caches, so the memory does not bound them.
        BenchGenerateItem.DecodeOne or BenchGenerateItem.Int8 => Sizes[1..],
        _ => ["neox-70m"],
    };
}
