namespace Understudy.Generation;

/// <summary>When a generated text ends: at a token, at a text, or after a number of tokens. Immutable; one serves all rows.</summary>
public sealed class StopCondition
{
    /// <summary>A condition that ends a row at whatever comes first.</summary>
    /// <param name="stopTokenIds">Tokens that end a text, usually the model's end-of-text token; may be empty.</param>
    /// <param name="stopStrings">Texts that end it, none of them empty; the result ends before the first of them. They are found wherever token boundaries lie.</param>
    /// <param name="maxNewTokens">The most tokens generated, at least 1.</param>
    /// <param name="decode">Turns token ids into text, without special tokens; bytes that are no character yet become U+FFFD.</param>
    public StopCondition(IEnumerable<int> stopTokenIds, IEnumerable<string> stopStrings, int maxNewTokens, Func<ReadOnlySpan<int>, string> decode)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxNewTokens, 1);
        StopTokenIds = stopTokenIds.ToHashSet();
        (StopStrings, MaxNewTokens, Decode) = ([.. stopStrings], maxNewTokens, decode);
        if (StopStrings.Contains("")) throw new ArgumentException("A stop string needs at least one character; found an empty one.", nameof(stopStrings));
    }

    /// <summary>Tokens that end a text.</summary>
    public IReadOnlySet<int> StopTokenIds { get; }

    /// <summary>Texts that end it.</summary>
    public IReadOnlyList<string> StopStrings { get; }

    /// <summary>The most tokens generated.</summary>
    public int MaxNewTokens { get; }

    internal Func<ReadOnlySpan<int>, string> Decode { get; }

    /// <summary>Watches one row from its first new token on.</summary>
    /// <param name="room">Tokens that the model can still take; the row ends there at the latest. At least 1.</param>
    public StopMatcher NewRow(int room = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(room, 1);
        return new StopMatcher(this, Math.Min(room, MaxNewTokens));
    }

    /// <summary>Where the first of the stop strings begins at or after <paramref name="from"/>; -1 when there is none.</summary>
    internal int Find(string text, int from)
    {
        var first = -1;
        foreach (var stop in StopStrings)
        {
            var at = text.IndexOf(stop, from, StringComparison.Ordinal);
            if (at >= 0 && (first < 0 || at < first)) first = at;
        }

        return first;
    }
}
