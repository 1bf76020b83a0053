namespace Understudy.Data;

/// <summary>Finds the known name that a mistyped one was probably meant to be.</summary>
internal static class Suggest
{
    private const int MaxCompared = 64;

    /// <summary>A sentence to append to an error message.</summary>
    /// <param name="wrong">The name that is not known.</param>
    /// <param name="known">The names that are.</param>
    /// <returns><c>" Did you mean 'x'?"</c> with the leading space, or the empty string when no name is close.</returns>
    public static string DidYouMean(string wrong, IEnumerable<string> known)
    {
        string? best = null;
        var bestDistance = int.MaxValue;
        foreach (var name in known)
        {
            // A third of the longer name may differ: 'epoch' finds 'epochs', 'lr' does not find 'k'.
            var bound = Math.Max(1, Math.Max(wrong.Length, name.Length) / 3);
            if (Math.Abs(wrong.Length - name.Length) > bound || Math.Max(wrong.Length, name.Length) > MaxCompared)
                continue;
            var distance = Distance(Simplify(wrong), Simplify(name));
            if (distance <= bound && distance < bestDistance && distance < Math.Max(wrong.Length, name.Length))
                (best, bestDistance) = (name, distance);
        }
        return best is null ? "" : $" Did you mean '{best}'?";
    }

    // 'TextPair', 'text-pair' and 'text_pair' are one name to a person.
    private static string Simplify(string name) =>
        name.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal)
            .Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Damerau-Levenshtein distance in its optimal string alignment form: insertions, deletions, substitutions, swaps of neighbours.</summary>
    internal static int Distance(string a, string b)
    {
        var beforePrevious = new int[b.Length + 1];
        var previous = new int[b.Length + 1];
        var current = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
            previous[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(substitution, Math.Min(previous[j], current[j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    current[j] = Math.Min(current[j], beforePrevious[j - 2] + 1);
            }
            (beforePrevious, previous, current) = (previous, current, beforePrevious);
        }
        return previous[b.Length];
    }
}
