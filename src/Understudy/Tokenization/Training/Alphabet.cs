using System.Text;

namespace Understudy.Tokenization.Training;

/// <summary>The single characters that a vocabulary starts from.</summary>
internal static class Alphabet
{
    /// <summary>In the order of code points; with a limit, the rarest characters go first, but those of <paramref name="initial"/> last.</summary>
    public static IEnumerable<string> Of(IReadOnlyDictionary<string, long> wordCounts, IEnumerable<char> initial, int? limit)
    {
        var counts = new Dictionary<Rune, long>();
        foreach (var (word, count) in wordCounts)
        {
            foreach (var rune in word.EnumerateRunes()) counts[rune] = counts.GetValueOrDefault(rune) + count;
        }
        foreach (var character in initial) counts[new Rune(character)] = long.MaxValue;
        var surplus = Math.Max(0, counts.Count - (limit ?? counts.Count));
        return counts.OrderBy(entry => entry.Value).ThenBy(entry => entry.Key).Skip(surplus).Select(entry => entry.Key).Order().Select(rune => rune.ToString());
    }
}
