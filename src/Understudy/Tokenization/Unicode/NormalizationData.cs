using System.Globalization;

namespace Understudy.Tokenization.Unicode;

/// <summary>
/// Decompositions, combining classes and composites from the Unicode Character Database. The runtime's own
/// <see cref="string.Normalize()"/> leaves text unchanged under invariant globalization, which this project runs with.
/// </summary>
internal sealed class NormalizationData
{
    private const int HangulFirst = 0xAC00, LeadFirst = 0x1100, VowelFirst = 0x1161, TrailBase = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TrailCount = 28, HangulCount = LeadCount * VowelCount * TrailCount;

    private static readonly Lazy<NormalizationData> Loaded = new(Load);

    private readonly Dictionary<int, byte> combiningClasses = [];
    private readonly Dictionary<int, int[]> canonical = [];
    private readonly Dictionary<int, int[]> compatibility = [];
    private readonly Dictionary<(int First, int Second), int> composites = [];
    private readonly HashSet<int> composes = [];
    private readonly bool[][] inert = new bool[4][];

    private NormalizationData()
    {
    }

    public static NormalizationData Instance => Loaded.Value;

    public byte CombiningClass(int codePoint) =>
        codePoint < 0x300 ? (byte)0 : combiningClasses.GetValueOrDefault(codePoint);

    /// <summary>The full decomposition, or null where the code point stands for itself.</summary>
    public int[]? Decompose(int codePoint, bool compatible)
    {
        if (codePoint < 0xA0) return null;
        if (codePoint is >= HangulFirst and < HangulFirst + HangulCount)
        {
            var index = codePoint - HangulFirst;
            var lead = LeadFirst + index / (VowelCount * TrailCount);
            var vowel = VowelFirst + index % (VowelCount * TrailCount) / TrailCount;
            var trail = index % TrailCount;
            return trail == 0 ? [lead, vowel] : [lead, vowel, TrailBase + trail];
        }
        if (compatible && compatibility.TryGetValue(codePoint, out var decomposition)) return decomposition;
        return canonical.GetValueOrDefault(codePoint);
    }

    /// <summary>The primary composite of a pair, or -1.</summary>
    public int Compose(int first, int second)
    {
        if (first is >= LeadFirst and < LeadFirst + LeadCount && second is >= VowelFirst and < VowelFirst + VowelCount)
            return HangulFirst + ((first - LeadFirst) * VowelCount + (second - VowelFirst)) * TrailCount;
        if (first is >= HangulFirst and < HangulFirst + HangulCount && (first - HangulFirst) % TrailCount == 0
            && second is > TrailBase and < TrailBase + TrailCount)
            return first + (second - TrailBase);
        return composites.TryGetValue((first, second), out var composite) ? composite : -1;
    }

    /// <summary>True when a form never changes the code point, whatever stands beside it, if all its neighbours are inert too.</summary>
    public bool IsInert(int codePoint, bool compose, bool compatible) => codePoint <= char.MaxValue
        ? inert[(compose ? 1 : 0) + (compatible ? 2 : 0)][codePoint]
        : CombiningClass(codePoint) == 0 && Decompose(codePoint, compatible) is null && !composes.Contains(codePoint);

    private void BuildInert()
    {
        foreach (var pair in composites.Keys) composes.Add(pair.Second);
        for (var codePoint = VowelFirst; codePoint < VowelFirst + VowelCount; codePoint++) composes.Add(codePoint);
        for (var codePoint = TrailBase + 1; codePoint < TrailBase + TrailCount; codePoint++) composes.Add(codePoint);
        var primary = composites.Values.ToHashSet();
        for (var form = 0; form < inert.Length; form++)
        {
            var (compose, compatible) = ((form & 1) != 0, (form & 2) != 0);
            inert[form] = new bool[char.MaxValue + 1];
            for (var codePoint = 0; codePoint <= char.MaxValue; codePoint++)
            {
                var recomposed = compose && !(compatible && compatibility.ContainsKey(codePoint))
                    && (primary.Contains(codePoint) || codePoint is >= HangulFirst and < HangulFirst + HangulCount);
                inert[form][codePoint] = CombiningClass(codePoint) == 0
                    && (recomposed || Decompose(codePoint, compatible) is null)
                    && !(compose && composes.Contains(codePoint));
            }
        }
    }

    private static NormalizationData Load()
    {
        var data = new NormalizationData();
        foreach (var line in Resources.Lines("normalization.txt"))
        {
            var rest = line.AsSpan(2);
            switch (line[0])
            {
                case 'M': data.AddClass(rest); break;
                case 'D': AddDecomposition(data.canonical, rest); break;
                case 'K': AddDecomposition(data.compatibility, rest); break;
                case 'P':
                    var pair = CodePoints(rest[..rest.IndexOf('=')]);
                    data.composites.Add((pair[0], pair[1]), Hex(rest[(rest.IndexOf('=') + 1)..]));
                    break;
            }
        }
        data.BuildInert();
        return data;
    }

    private void AddClass(ReadOnlySpan<char> entry)
    {
        var dash = entry.IndexOf('-');
        var space = entry.IndexOf(' ');
        var combiningClass = byte.Parse(entry[(space + 1)..], CultureInfo.InvariantCulture);
        for (var codePoint = Hex(entry[..dash]); codePoint <= Hex(entry[(dash + 1)..space]); codePoint++)
            combiningClasses.Add(codePoint, combiningClass);
    }

    private static void AddDecomposition(Dictionary<int, int[]> table, ReadOnlySpan<char> entry)
    {
        var equals = entry.IndexOf('=');
        table.Add(Hex(entry[..equals]), CodePoints(entry[(equals + 1)..]));
    }

    private static int[] CodePoints(ReadOnlySpan<char> list)
    {
        var codePoints = new List<int>(4);
        foreach (var range in list.Split(' ')) codePoints.Add(Hex(list[range]));
        return [.. codePoints];
    }

    private static int Hex(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
