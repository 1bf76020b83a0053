namespace Understudy.Hub;

/// <summary>A model cannot be had from the Hub. The message says which, why, and what to do; it never holds a token or a signed address.</summary>
public sealed class HubException : IOException
{
    /// <summary>An exception with <paramref name="message"/>.</summary>
    public HubException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>Whether the Hub gave no answer at all, so that what is in the cache is the next best thing.</summary>
    internal bool Unreachable { get; init; }
}

/// <summary>A request failed in a way that may pass.</summary>
/// <param name="message">What happened.</param>
/// <param name="retryAfter">How long the server asks to wait; null when it does not say.</param>
/// <param name="progressed">Whether so much arrived before that the failures so far do not count.</param>
internal sealed class TransientHubException(string message, TimeSpan? retryAfter = null, bool progressed = false) : Exception(message)
{
    public TimeSpan? RetryAfter { get; } = retryAfter;

    public bool Progressed { get; } = progressed;

    /// <summary>Whether no connection came about, which waiting seldom cures.</summary>
    public bool Unconnected { get; init; }
}
