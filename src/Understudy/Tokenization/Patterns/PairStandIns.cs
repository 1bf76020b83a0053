using System.Text;
using Understudy.Tokenization.Unicode;

namespace Understudy.Tokenization.Patterns;

/// <summary>
/// Lets a regular expression see every code point as one character. Code points beyond the basic plane that no set of
/// the expression tells apart share a stand-in, a lone surrogate, which cannot occur in well-formed text otherwise.
/// </summary>
internal sealed class PairStandIns
{
    private const int FirstBeyond = 0x10000;
    private const int FirstStandIn = 0xD800, StandInCount = 0x800;

    private readonly int[] starts;
    private readonly char[] standIns;

    /// <exception cref="FormatException">The sets tell too many kinds of characters apart.</exception>
    public PairStandIns(IReadOnlyList<CodePointSet> sets)
    {
        starts = [.. sets.SelectMany(set => set.Ranges).SelectMany(range => new[] { range.First, range.Last + 1 })
            .Append(FirstBeyond).Where(start => start is >= FirstBeyond and <= CodePointSet.Largest).Distinct().Order()];
        var bySignature = new Dictionary<string, char>(StringComparer.Ordinal);
        standIns = new char[starts.Length];
        for (var i = 0; i < starts.Length; i++)
        {
            var signature = string.Concat(sets.Select(set => set.Contains(starts[i]) ? '1' : '0'));
            if (!bySignature.TryGetValue(signature, out standIns[i]))
            {
                if (bySignature.Count == StandInCount) throw new FormatException("tells too many kinds of characters apart");
                bySignature.Add(signature, standIns[i] = (char)(FirstStandIn + bySignature.Count));
            }
        }
    }

    /// <summary>The text with stand-ins, and where each of its characters begins in <paramref name="text"/>, with the end last.</summary>
    public (string Text, int[] Starts) Replace(string text)
    {
        var builder = new StringBuilder(text.Length);
        var positions = new List<int>(text.Length + 1);
        for (var i = 0; i < text.Length; i++)
        {
            positions.Add(i);
            if (char.IsHighSurrogate(text[i])) builder.Append(StandIn(char.ConvertToUtf32(text[i], text[++i])));
            else builder.Append(text[i]);
        }
        positions.Add(text.Length);
        return (builder.ToString(), [.. positions]);
    }

    /// <summary>A .NET character class for the set, which must be one of those given at construction.</summary>
    public string ToRegex(CodePointSet set)
    {
        var parts = set.Ranges.Where(range => range.First < FirstBeyond)
            .SelectMany(range => WithoutSurrogates(range.First, Math.Min(range.Last, char.MaxValue)))
            .Concat(Enumerable.Range(0, starts.Length).Where(i => set.Contains(starts[i])).Select(i => ((int)standIns[i], (int)standIns[i])));
        var ranges = CodePointSet.Of(parts).Ranges;
        if (ranges.Count == 0) return "(?!)";
        var builder = new StringBuilder("[");
        foreach (var (first, last) in ranges)
        {
            builder.Append($"\\u{first:X4}");
            if (last > first) builder.Append($"-\\u{last:X4}");
        }
        return builder.Append(']').ToString();
    }

    private static IEnumerable<(int First, int Last)> WithoutSurrogates(int first, int last)
    {
        const int end = FirstStandIn + StandInCount;
        if (first < FirstStandIn) yield return (first, Math.Min(last, FirstStandIn - 1));
        if (last >= end) yield return (Math.Max(first, end), last);
    }

    private char StandIn(int codePoint)
    {
        var at = Array.BinarySearch(starts, codePoint);
        return standIns[at < 0 ? ~at - 1 : at];
    }
}
