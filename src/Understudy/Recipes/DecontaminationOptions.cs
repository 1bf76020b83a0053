using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>Which documents a pre-training leaves out because they overlap with texts that models are measured on.</summary>
public sealed record DecontaminationOptions
{
    /// <summary>JSON Lines files with the texts that are measured on, gzip allowed; every text of a row counts. The run's own validation and test rows count besides.</summary>
    /// <value>The default value is none.</value>
    [InputPath]
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>How many words in a row, punctuation and case left aside, are an overlap; at least 2. A shorter text overlaps with the same words.</summary>
    /// <value>The default value is 8.</value>
    public int Ngram { get; init; } = 8;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() =>
        [.. Faults(AtLeast("ngram", Ngram, 2)), .. Files.Select((path, i) => NotBlank($"files[{i}]", path)).OfType<OptionFault>()];
}
