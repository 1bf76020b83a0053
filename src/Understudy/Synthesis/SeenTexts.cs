using Understudy.Data;

namespace Understudy.Synthesis;

/// <summary>The texts that a new row must not repeat: seeds, validation and test rows, and the synthetic rows kept before it.</summary>
/// <remarks>Two texts are the same when they differ in white space at the ends and in the case of letters at most.</remarks>
public sealed class SeenTexts
{
    private readonly Dictionary<(string Text, string Pair), string> seen = [];

    /// <summary>Begins with the real rows of a run.</summary>
    public SeenTexts(DataSets data)
    {
        ArgumentNullException.ThrowIfNull(data);
        AddAll(data.Train, "a seed");
        AddAll(data.Validation, "a validation row");
        AddAll(data.Test, "a test row");
    }

    /// <summary>Where the row's text stands already, in words; null when it is new.</summary>
    public string? Where(Example example) => seen.GetValueOrDefault(Key(example.Text, example.TextPair));

    /// <summary>Adds a row that was kept.</summary>
    public void Add(SyntheticRow row) => seen.TryAdd(Key(row.Text, row.TextPair), $"the synthetic row '{row.Id}'");

    private void AddAll(IEnumerable<Example> rows, string kind)
    {
        foreach (var row in rows)
        {
            seen.TryAdd(Key(row.Text, row.TextPair), $"{kind} ('{row.Id}')");
        }
    }

    private static (string Text, string Pair) Key(string text, string? pair) => (text.Trim().ToLowerInvariant(), pair?.Trim().ToLowerInvariant() ?? "");
}
