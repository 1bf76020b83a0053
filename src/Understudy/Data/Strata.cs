namespace Understudy.Data;

/// <summary>Groups rows by label for stratified choices.</summary>
internal static class Strata
{
    /// <summary>For each label, the indices of its rows in a random order of its own.</summary>
    public static int[][] Shuffled(IReadOnlyList<Example> examples, LabelSet labels, SeededRandom random)
    {
        var rows = new List<int>[labels.Count];
        for (var label = 0; label < rows.Length; label++)
            rows[label] = [];
        for (var row = 0; row < examples.Count; row++)
        {
            var label = examples[row].Label
                ?? throw new ArgumentException($"Row '{examples[row].Id}' has no label; a stratified choice needs one on every row.", nameof(examples));
            rows[labels.IndexOf(label)].Add(row);
        }
        var strata = new int[labels.Count][];
        for (var label = 0; label < strata.Length; label++)
        {
            strata[label] = [.. rows[label]];
            random.Fork(labels[label]).Shuffle<int>(strata[label]);
        }
        return strata;
    }
}
