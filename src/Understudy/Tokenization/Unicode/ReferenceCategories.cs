using System.Globalization;

namespace Understudy.Tokenization.Unicode;

/// <summary>Sets of code points as the reference library has them, which differ from the runtime's general categories by Unicode version.</summary>
internal sealed class ReferenceCategories
{
    private static readonly Lazy<ReferenceCategories> Loaded = new(Load);

    private readonly Dictionary<string, CodePointTable> tables = new(StringComparer.Ordinal);

    private ReferenceCategories()
    {
    }

    /// <summary>General category P of Unicode 8, and ASCII punctuation, symbols such as <c>$</c> included.</summary>
    public static CodePointTable Punctuation { get; } = Loaded.Value.tables["punctuation"];

    /// <summary>General category N.</summary>
    public static CodePointTable Number { get; } = Loaded.Value.tables["number"];

    /// <summary>General category Mn of Unicode 8.</summary>
    public static CodePointTable NonSpacingMark { get; } = Loaded.Value.tables["nonspacing-mark"];

    /// <summary>General category M of about Unicode 11.</summary>
    public static CodePointTable Mark { get; } = Loaded.Value.tables["mark"];

    /// <summary>What BERT's cleaning drops: U+0000, U+FFFD, categories Cc (without tab and line ends), Cf and Co.</summary>
    public static CodePointTable BertRemoved { get; } = Loaded.Value.tables["bert-removed"];

    private static ReferenceCategories Load()
    {
        var categories = new ReferenceCategories();
        foreach (var line in Resources.Lines("categories.txt"))
        {
            var words = line.Split(' ');
            categories.tables.Add(words[0], new CodePointTable(CodePointSet.Of(words.Skip(1).Select(Range))));
        }
        return categories;
    }

    private static (int First, int Last) Range(string range)
    {
        var dash = range.IndexOf('-', StringComparison.Ordinal);
        return dash < 0 ? (Hex(range), Hex(range)) : (Hex(range[..dash]), Hex(range[(dash + 1)..]));
    }

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
