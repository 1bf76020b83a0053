namespace Understudy.Tokenization;

/// <summary>Which text of a pair is cut.</summary>
public enum TruncationStrategy
{
    /// <summary>The longer one, then both evenly.</summary>
    LongestFirst,

    /// <summary>Only the first.</summary>
    OnlyFirst,

    /// <summary>Only the second.</summary>
    OnlySecond,
}

/// <summary>An end of a text.</summary>
public enum Side
{
    /// <summary>The beginning.</summary>
    Left,

    /// <summary>The end.</summary>
    Right,
}

/// <summary>How encodings are cut to a length.</summary>
public sealed record TruncationOptions
{
    /// <value>The most tokens an encoding may have, special tokens included; not negative.</value>
    public required int MaxLength { get; init; }

    /// <value>The default value is <see cref="TruncationStrategy.LongestFirst"/>.</value>
    public TruncationStrategy Strategy { get; init; } = TruncationStrategy.LongestFirst;

    /// <value>The end that is cut. The default value is <see cref="Tokenization.Side.Right"/>.</value>
    public Side Side { get; init; } = Side.Right;

    /// <value>How many tokens an overflowing part shares with the one before it; not negative and less than the room for text. The default value is 0.</value>
    public int Stride { get; init; }
}

/// <summary>Cuts token sequences.</summary>
internal static class Truncation
{
    /// <summary>Cuts one text or a pair; <see cref="TruncationOptions.MaxLength"/> is the room for the texts alone.</summary>
    /// <exception cref="InvalidOperationException">The strategy cannot reach the length.</exception>
    public static void Apply(ref TokenSequence first, ref TokenSequence? second, TruncationOptions options)
    {
        if (options.MaxLength == 0)
        {
            first = Cut(first, 0, options);
            if (second is not null) second = Cut(second, 0, options);
            return;
        }
        var total = first.Count + (second?.Count ?? 0);
        if (total <= options.MaxLength) return;

        if (options.Strategy == TruncationStrategy.LongestFirst)
        {
            if (second is null)
            {
                first = Cut(first, options.MaxLength, options);
                return;
            }
            var (shorter, longer) = (Math.Min(first.Count, second.Count), Math.Max(first.Count, second.Count));
            longer = shorter > options.MaxLength ? shorter : Math.Max(shorter, options.MaxLength - shorter);
            if (shorter + longer > options.MaxLength)
            {
                shorter = options.MaxLength / 2;
                longer = shorter + options.MaxLength % 2;
            }
            var firstIsLonger = first.Count > second.Count;
            first = Cut(first, firstIsLonger ? longer : shorter, options);
            second = Cut(second, firstIsLonger ? shorter : longer, options);
            return;
        }

        var onlyFirst = options.Strategy == TruncationStrategy.OnlyFirst;
        var target = onlyFirst ? first : second
            ?? throw new InvalidOperationException("Truncation error: Second sequence not provided");
        var length = target.Count - (total - options.MaxLength);
        if (length <= 0)
            throw new InvalidOperationException("Truncation error: Sequence to truncate too short to respect the provided max_length");
        if (onlyFirst) first = Cut(first, length, options);
        else second = Cut(target, length, options);
    }

    private static TokenSequence Cut(TokenSequence sequence, int length, TruncationOptions options)
    {
        if (length >= sequence.Count) return sequence;
        if (length == 0)
        {
            var empty = new TokenSequence();
            empty.Overflowing.Add(sequence);
            return empty;
        }
        if (options.Stride >= length)
        {
            throw new InvalidOperationException(
                $"Truncation leaves {length} tokens of a text, which must be more than 'stride', {options.Stride}. Lower 'stride' or raise 'max_length'.");
        }
        var parts = Parts(sequence.Count, length, length - options.Stride, options.Side).Select(part => sequence.Slice(part.Start, part.End)).ToList();
        parts[0].Overflowing.AddRange(parts.Skip(1));
        return parts[0];
    }

    private static IEnumerable<(int Start, int End)> Parts(int count, int length, int step, Side side)
    {
        if (side == Side.Right)
        {
            for (var start = 0; ; start += step)
            {
                var end = Math.Min(start + length, count);
                yield return (start, end);
                if (end == count) yield break;
            }
        }
        for (var end = count; ; end -= step)
        {
            var start = Math.Max(0, end - length);
            yield return (start, end);
            if (start == 0) yield break;
        }
    }
}
