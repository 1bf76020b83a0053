namespace Understudy.Tokenization.Unicode;

/// <summary>A set of code points that is fast to ask about the basic plane.</summary>
internal sealed class CodePointTable
{
    private readonly bool[] basic = new bool[char.MaxValue + 1];
    private readonly CodePointSet set;

    public CodePointTable(CodePointSet set)
    {
        this.set = set;
        foreach (var (first, last) in set.Ranges.Where(range => range.First <= char.MaxValue))
            basic.AsSpan(first, Math.Min(last, char.MaxValue) - first + 1).Fill(true);
    }

    public bool Contains(int codePoint) => codePoint <= char.MaxValue ? basic[codePoint] : set.Contains(codePoint);
}
