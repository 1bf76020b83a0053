namespace Understudy.Tokenization;

/// <summary>
/// An encoding in the making. Offsets count code points until <see cref="Tokenizer"/> turns them into UTF-16 units,
/// because the reference's trimming adds character counts to them.
/// </summary>
internal sealed class TokenSequence
{
    public List<int> Ids { get; } = [];

    public List<string> Tokens { get; } = [];

    public List<(int Start, int End)> Offsets { get; } = [];

    public List<int> TypeIds { get; } = [];

    public List<int> SpecialTokensMask { get; } = [];

    public List<int> AttentionMask { get; } = [];

    /// <summary>Which input the offsets belong to: 0, 1, or -1 for tokens that are in neither.</summary>
    public List<int> Inputs { get; } = [];

    /// <summary>What truncation cut off, in pieces of the same length.</summary>
    public List<TokenSequence> Overflowing { get; } = [];

    public int Count => Ids.Count;

    public void Add(int id, string token, (int Start, int End) offsets, int typeId, int input)
    {
        Ids.Add(id);
        Tokens.Add(token);
        Offsets.Add(offsets);
        TypeIds.Add(typeId);
        SpecialTokensMask.Add(0);
        AttentionMask.Add(1);
        Inputs.Add(input);
    }

    public void AddSpecial(int id, string token, int typeId)
    {
        Add(id, token, (0, 0), typeId, -1);
        SpecialTokensMask[^1] = 1;
    }

    public void SetTypeIds(int typeId)
    {
        for (var i = 0; i < TypeIds.Count; i++) TypeIds[i] = typeId;
    }

    /// <summary>A copy of the tokens [start, end), without what overflows.</summary>
    public TokenSequence Slice(int start, int end)
    {
        var slice = new TokenSequence();
        slice.Append(this, start, end);
        return slice;
    }

    public TokenSequence Clone()
    {
        var clone = Slice(0, Count);
        foreach (var part in Overflowing) clone.Overflowing.Add(part.Clone());
        return clone;
    }

    /// <summary>Appends the tokens of <paramref name="other"/>; what overflows of either is combined with the other in every way.</summary>
    public void Merge(TokenSequence other)
    {
        var combined = new List<TokenSequence>();
        foreach (var mine in Overflowing)
        {
            combined.Add(Joined(mine, other));
            foreach (var theirs in other.Overflowing) combined.Add(Joined(mine, theirs));
        }
        foreach (var theirs in other.Overflowing) combined.Add(Joined(this, theirs));
        Append(other, 0, other.Count);
        Overflowing.Clear();
        Overflowing.AddRange(combined);
    }

    private static TokenSequence Joined(TokenSequence first, TokenSequence second)
    {
        var joined = first.Slice(0, first.Count);
        joined.Append(second, 0, second.Count);
        return joined;
    }

    private void Append(TokenSequence other, int start, int end)
    {
        var count = end - start;
        Ids.AddRange(other.Ids.GetRange(start, count));
        Tokens.AddRange(other.Tokens.GetRange(start, count));
        Offsets.AddRange(other.Offsets.GetRange(start, count));
        TypeIds.AddRange(other.TypeIds.GetRange(start, count));
        SpecialTokensMask.AddRange(other.SpecialTokensMask.GetRange(start, count));
        AttentionMask.AddRange(other.AttentionMask.GetRange(start, count));
        Inputs.AddRange(other.Inputs.GetRange(start, count));
    }
}
