namespace Understudy.Tokenization.PreTokenizers;

/// <summary>What becomes of the delimiters when a text is split; for <c>-</c> in <c>the-final--countdown</c>:</summary>
internal enum SplitBehavior
{
    /// <summary><c>the|final|countdown</c></summary>
    Removed,

    /// <summary><c>the|-|final|-|-|countdown</c></summary>
    Isolated,

    /// <summary><c>the-|final-|-|countdown</c></summary>
    MergedWithPrevious,

    /// <summary><c>the|-final|-|-countdown</c></summary>
    MergedWithNext,

    /// <summary><c>the|-|final|--|countdown</c></summary>
    Contiguous,
}

/// <summary>Turns the parts that a pattern found into the parts that a behaviour keeps.</summary>
internal static class SplitBehaviors
{
    public static List<TextRange> Apply(this SplitBehavior behavior, List<TextRange> ranges)
    {
        switch (behavior)
        {
            case SplitBehavior.Isolated:
                return ranges;
            case SplitBehavior.Removed:
                ranges.RemoveAll(range => range.IsMatch);
                return ranges;
            case SplitBehavior.Contiguous:
                return Fold(ranges, (isMatch, previousWasMatch) => isMatch == previousWasMatch);
            case SplitBehavior.MergedWithPrevious:
                return Fold(ranges, (isMatch, previousWasMatch) => isMatch && !previousWasMatch);
            default:
                ranges.Reverse();
                var merged = Fold(ranges, (isMatch, previousWasMatch) => isMatch && !previousWasMatch);
                merged.Reverse();
                return merged;
        }
    }

    private static List<TextRange> Fold(List<TextRange> ranges, Func<bool, bool, bool> joins)
    {
        var folded = new List<TextRange>(ranges.Count);
        var previousWasMatch = false;
        foreach (var range in ranges)
        {
            if (folded.Count > 0 && joins(range.IsMatch, previousWasMatch))
            {
                var last = folded[^1];
                folded[^1] = last with { Start = Math.Min(last.Start, range.Start), End = Math.Max(last.End, range.End) };
            }
            else
            {
                folded.Add(range);
            }
            previousWasMatch = range.IsMatch;
        }
        return folded;
    }
}
