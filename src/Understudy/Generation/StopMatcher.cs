using System.Runtime.InteropServices;
using System.Text;

namespace Understudy.Generation;

/// <summary>Watches the tokens of one row for its end.</summary>
public sealed class StopMatcher
{
    private readonly StopCondition condition;
    private readonly int limit;
    private readonly List<int> tokens = [];
    private readonly StreamingDecoder? stream;
    private readonly StringBuilder seen = new();
    private readonly int longestStop;

    internal StopMatcher(StopCondition condition, int limit)
    {
        (this.condition, this.limit) = (condition, limit);
        if (condition.StopStrings.Count == 0) return;
        stream = new StreamingDecoder(condition.Decode);
        longestStop = condition.StopStrings.Max(stop => stop.Length);
    }

    /// <summary>Why the row ended; null while it goes on.</summary>
    public FinishReason? Finished { get; private set; }

    /// <summary>The tokens given so far, one that ended the text included.</summary>
    public IReadOnlyList<int> Tokens => tokens;

    /// <summary>Takes the next token.</summary>
    /// <returns>Whether the row has ended with it.</returns>
    /// <exception cref="InvalidOperationException">The row had ended before.</exception>
    public bool Append(int token)
    {
        if (Finished is not null) throw new InvalidOperationException("The row has ended; no token can follow.");
        tokens.Add(token);
        if (condition.StopTokenIds.Contains(token)) Finished = FinishReason.StopToken;
        else if (SeesStopString(token)) Finished = FinishReason.StopString;
        else if (tokens.Count >= limit) Finished = FinishReason.Length;
        return Finished is not null;
    }

    /// <summary>Takes the token with which the text is whole.</summary>
    /// <returns>True.</returns>
    internal bool Complete(int token)
    {
        _ = Append(token);
        if (Finished is null or FinishReason.Length) Finished = FinishReason.Complete;
        return true;
    }

    /// <summary>The text generated so far: without a token that ended it, and up to the first stop string.</summary>
    public string Text()
    {
        var given = CollectionsMarshal.AsSpan(tokens);
        var text = condition.Decode(Finished == FinishReason.StopToken ? given[..^1] : given);
        var end = condition.Find(text, 0);
        return end < 0 ? text : text[..end];
    }

    private bool SeesStopString(int token)
    {
        if (stream is null) return false;
        seen.Append(stream.Append(token));
        var found = condition.Find(seen.ToString(), 0) >= 0;
        // Only what could be the beginning of a stop string has to be looked at again.
        if (seen.Length >= longestStop) seen.Remove(0, seen.Length - longestStop + 1);
        return found;
    }
}
