using System.Collections;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Understudy.Data;

/// <summary>The labels of a task in a fixed order; a label's position is its class index in every model and metric. Immutable, compared by content and order.</summary>
public sealed class LabelSet : IReadOnlyList<string>, IEquatable<LabelSet>
{
    private readonly string[] names;
    private readonly FrozenDictionary<string, int> indices;

    /// <summary>The label set with these names in this order.</summary>
    /// <exception cref="ArgumentException">There is no name, one is blank, or one occurs twice.</exception>
    public LabelSet(IEnumerable<string> labels)
    {
        names = [.. labels];
        if (names.Length == 0)
            throw new ArgumentException("A label set needs at least one label; found none.", nameof(labels));
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < names.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(names[i]))
                throw new ArgumentException($"Label {i + 1} of {names.Length} is empty. Give every label a name.", nameof(labels));
            if (!seen.TryAdd(names[i], i))
                throw new ArgumentException($"Label '{names[i]}' occurs twice, as number {seen[names[i]] + 1} and {i + 1}. Remove one.", nameof(labels));
        }
        indices = seen.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The number of labels.</summary>
    public int Count => names.Length;

    /// <summary>The label with class index <paramref name="index"/>.</summary>
    public string this[int index] => names[index];

    /// <summary>
    /// The labels that occur in <paramref name="examples"/>: in numerical order when all of them are integers, else in
    /// ordinal order, so that the order of the rows does not change the class indices.
    /// </summary>
    /// <exception cref="ArgumentException">No example has a label.</exception>
    public static LabelSet Infer(IEnumerable<Example> examples)
    {
        var found = examples
            .SelectMany(example => (example.LabelProbabilities?.Keys ?? []).Append(example.Label))
            .OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        if (found.Length == 0)
            throw new ArgumentException("No row has a label, so the label set cannot be inferred. Map the label column ('columns.label') or give 'labels'.", nameof(examples));
        Array.Sort(found, StringComparer.Ordinal);
        return found.All(label => long.TryParse(label, out _)) ? new(found.OrderBy(long.Parse)) : new(found);
    }

    /// <summary>The class index of <paramref name="label"/>.</summary>
    /// <exception cref="ArgumentException">The label is not in the set; the message lists the labels and offers a close one.</exception>
    public int IndexOf(string label) =>
        TryIndexOf(label, out var index) ? index : throw new ArgumentException(NotInSet(label), nameof(label));

    /// <summary>The class index of <paramref name="label"/>; false when it is not in the set.</summary>
    public bool TryIndexOf([NotNullWhen(true)] string? label, out int index)
    {
        index = -1;
        return label is not null && indices.TryGetValue(label, out index);
    }

    /// <summary>Whether <paramref name="label"/> is in the set.</summary>
    public bool Contains([NotNullWhen(true)] string? label) => TryIndexOf(label, out _);

    /// <summary>The class probabilities of a labelled row: its soft label in this set's order, scaled to sum to 1, or 1 for its hard label.</summary>
    /// <returns>[labels]</returns>
    /// <exception cref="ArgumentException">The row has neither, a label is not in the set, or the soft label has a negative, non-finite or no positive probability.</exception>
    public double[] Probabilities(Example example)
    {
        var probabilities = new double[Count];
        if (example.LabelProbabilities is not { } soft)
        {
            var label = example.Label ?? throw new ArgumentException($"Row '{example.Id}' has no label.", nameof(example));
            probabilities[IndexOf(label)] = 1;
            return probabilities;
        }
        var sum = 0.0;
        foreach (var (label, probability) in soft)
        {
            if (!(probability >= 0 && double.IsFinite(probability)))
                throw new ArgumentException($"Row '{example.Id}' gives label '{label}' the probability {probability}; expected a number from 0 to 1.", nameof(example));
            probabilities[IndexOf(label)] = probability;
            sum += probability;
        }
        if (!(sum > 0 && double.IsFinite(sum)))
            throw new ArgumentException($"The soft label of row '{example.Id}' sums to {sum}; expected 1.", nameof(example));
        for (var i = 0; i < probabilities.Length; i++)
            probabilities[i] /= sum;
        return probabilities;
    }

    /// <summary>Values in class order by the labels' names.</summary>
    /// <param name="values">One for each label.</param>
    /// <exception cref="ArgumentException">There are fewer or more values than labels.</exception>
    public IReadOnlyDictionary<string, double> Named(IReadOnlyList<double> values) =>
        values.Count == Count
            ? new OrderedDictionary<string, double>(names.Zip(values, KeyValuePair.Create))
            : throw new ArgumentException($"Expected {Count} values, one for each label, found {values.Count}.", nameof(values));

    /// <summary>Compares names and order.</summary>
    public bool Equals(LabelSet? other) => other is not null && names.AsSpan().SequenceEqual(other.names);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var name in names)
            hash.Add(name, StringComparer.Ordinal);
        return hash.ToHashCode();
    }

    /// <summary>The names in brackets; long sets are cut after 20.</summary>
    public override string ToString() =>
        Count <= 20 ? $"[{string.Join(", ", names)}]" : $"[{string.Join(", ", names.Take(20))}, ... {Count - 20} more]";

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator() => ((IEnumerable<string>)names).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => names.GetEnumerator();

    /// <summary>"label 'x' is not in the label set [...]." with a suggestion when one is close.</summary>
    internal string NotInSet(string label) => $"label '{label}' is not in the label set {this}.{Suggest.DidYouMean(label, names)}";
}
