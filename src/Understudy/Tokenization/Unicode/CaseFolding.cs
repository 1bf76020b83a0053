using System.Text;

namespace Understudy.Tokenization.Unicode;

/// <summary>Simple case folding, for regular expressions that ignore case.</summary>
internal static class CaseFolding
{
    private static readonly Lazy<Dictionary<int, int[]>> Classes = new(BuildClasses);

    /// <summary>The set with everything that differs from a member in case only.</summary>
    public static CodePointSet Close(CodePointSet set)
    {
        var added = new List<(int First, int Last)>(set.Ranges);
        foreach (var (member, others) in Classes.Value)
        {
            if (set.Ranges.Any(range => member >= range.First && member <= range.Last))
                added.AddRange(others.Select(other => (other, other)));
        }
        return CodePointSet.Of(added);
    }

    private static Dictionary<int, int[]> BuildClasses()
    {
        var byFold = new Dictionary<int, List<int>>();
        for (var codePoint = 0; codePoint <= CodePointSet.Largest; codePoint++)
        {
            if (!Rune.IsValid(codePoint)) continue;
            var fold = Fold(codePoint);
            if (fold == codePoint) continue;
            if (!byFold.TryGetValue(fold, out var members)) byFold.Add(fold, members = [fold]);
            members.Add(codePoint);
        }
        return byFold.Values
            .SelectMany(members => members.Select(member => (member, members.ToArray())))
            .ToDictionary(entry => entry.member, entry => entry.Item2);
    }

    private static int Fold(int codePoint) => codePoint switch
    {
        // The runtime's invariant tables leave these two alone.
        0x17F => 's',
        0x1E9E => 0xDF,
        _ => Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(codePoint))).Value,
    };
}
