namespace Understudy.Data;

/// <summary>The parts of one file, each in the file's order.</summary>
/// <param name="Train">The rows to learn from.</param>
/// <param name="Validation">The rows held out for choosing between checkpoints.</param>
/// <param name="Test">The rows held out for the final figures.</param>
public sealed record SplitResult(IReadOnlyList<Example> Train, IReadOnlyList<Example> Validation, IReadOnlyList<Example> Test);

/// <summary>Divides labelled rows into train, validation and test, stratified by label.</summary>
public static class Splits
{
    /// <summary>
    /// Holds out the asked fractions (rounded to whole rows) with every label's share in proportion. A label's last row
    /// always stays in train.
    /// </summary>
    /// <param name="examples">Labelled rows.</param>
    /// <param name="labels">Their label set.</param>
    /// <param name="options">The fractions.</param>
    /// <param name="seed">The seed of the choice, unless the options name one.</param>
    /// <exception cref="ArgumentException">The options are at fault, or a row has no label or one that is not in the set.</exception>
    public static SplitResult Split(IReadOnlyList<Example> examples, LabelSet labels, SplitOptions options, long seed)
    {
        if (options.Validate().ToArray() is { Length: > 0 } faults)
            throw new ArgumentException(string.Join(Environment.NewLine, faults), nameof(options));
        var rows = Strata.Shuffled(examples, labels, new SeededRandom(options.Seed ?? seed).Fork("split"));
        var free = rows.Select(stratum => Math.Max(0, stratum.Length - 1)).ToArray();
        var test = Apportionment.Share((int)Math.Round(options.Test * examples.Count), free, atLeast: 0);
        var stillFree = free.Select((count, label) => count - test[label]).ToArray();
        var validation = Apportionment.Share((int)Math.Round(options.Validation * examples.Count), stillFree, atLeast: 0);

        var part = new int[examples.Count];
        for (var label = 0; label < labels.Count; label++)
        {
            for (var i = 0; i < test[label] + validation[label]; i++)
                part[rows[label][i]] = i < test[label] ? 2 : 1;
        }
        return new SplitResult(Part(0), Part(1), Part(2));

        Example[] Part(int wanted) => [.. examples.Where((_, row) => part[row] == wanted)];
    }
}
