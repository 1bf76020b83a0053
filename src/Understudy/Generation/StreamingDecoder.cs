using System.Runtime.InteropServices;

namespace Understudy.Generation;

/// <summary>
/// Decodes tokens one by one. A token is decoded together with those before it, because what it adds may depend on them (a leading space, the rest
/// of a character); text is held back while it ends in an incomplete character.
/// </summary>
internal sealed class StreamingDecoder(Func<ReadOnlySpan<int>, string> decode)
{
    // A character has at most four bytes, and a token at least one: longer waiting means that the bytes never become a character.
    private const int MaxHeldBack = 8;

    private readonly List<int> tokens = [];
    private int context;
    private int decoded;

    /// <summary>The text that this token adds; empty when it is held back.</summary>
    public string Append(int token)
    {
        tokens.Add(token);
        var window = CollectionsMarshal.AsSpan(tokens)[context..];
        var before = decode(window[..(decoded - context)]);
        var now = decode(window);
        var waiting = now.Length <= before.Length || now[^1] == '\uFFFD';
        if (waiting && tokens.Count - decoded < MaxHeldBack) return "";
        (context, decoded) = (decoded, tokens.Count);
        return now.Length > before.Length ? now[before.Length..] : "";
    }
}
