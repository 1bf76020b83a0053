namespace Understudy.Tokenization.Unicode;

/// <summary>A set of code points, as sorted ranges that do not touch.</summary>
internal sealed class CodePointSet
{
    public const int Largest = 0x10FFFF;

    private readonly (int First, int Last)[] ranges;

    private CodePointSet((int First, int Last)[] ranges) => this.ranges = ranges;

    public static CodePointSet Empty { get; } = new([]);

    public static CodePointSet All { get; } = new([(0, Largest)]);

    public bool IsEmpty => ranges.Length == 0;

    public IReadOnlyList<(int First, int Last)> Ranges => ranges;

    public static CodePointSet Of(IEnumerable<(int First, int Last)> parts)
    {
        var merged = new List<(int First, int Last)>();
        foreach (var (first, last) in parts.Order())
        {
            if (merged.Count > 0 && first <= merged[^1].Last + 1) merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, last));
            else merged.Add((first, last));
        }
        return new CodePointSet([.. merged]);
    }

    public static CodePointSet Range(int first, int last) => new([(first, last)]);

    public static CodePointSet Where(Func<int, bool> contains)
    {
        var found = new List<(int First, int Last)>();
        var first = -1;
        for (var codePoint = 0; codePoint <= Largest + 1; codePoint++)
        {
            var inside = codePoint <= Largest && contains(codePoint);
            if (inside && first < 0) first = codePoint;
            if (inside || first < 0) continue;
            found.Add((first, codePoint - 1));
            first = -1;
        }
        return new CodePointSet([.. found]);
    }

    public CodePointSet Union(CodePointSet other) => Of(ranges.Concat(other.ranges));

    public CodePointSet Intersect(CodePointSet other) => Complement().Union(other.Complement()).Complement();

    public CodePointSet Complement()
    {
        var gaps = new List<(int First, int Last)>();
        var next = 0;
        foreach (var (first, last) in ranges)
        {
            if (first > next) gaps.Add((next, first - 1));
            next = last + 1;
        }
        if (next <= Largest) gaps.Add((next, Largest));
        return new CodePointSet([.. gaps]);
    }

    public bool Contains(int codePoint)
    {
        var at = Array.BinarySearch(ranges, (codePoint, int.MaxValue));
        at = at < 0 ? ~at - 1 : at;
        return at >= 0 && codePoint <= ranges[at].Last;
    }
}
