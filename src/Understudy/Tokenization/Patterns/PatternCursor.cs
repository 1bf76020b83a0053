using System.Text;

namespace Understudy.Tokenization.Patterns;

/// <summary>A place in the text of a regular expression.</summary>
internal sealed class PatternCursor(string pattern)
{
    public int Position { get; private set; }

    public bool AtEnd => Position >= pattern.Length;

    public char Peek(int ahead = 0) => Position + ahead < pattern.Length ? pattern[Position + ahead] : '\0';

    public bool TryTake(string expected)
    {
        if (!pattern.AsSpan(Position).StartsWith(expected, StringComparison.Ordinal)) return false;
        Position += expected.Length;
        return true;
    }

    public int TakeCodePoint()
    {
        if (Rune.DecodeFromUtf16(pattern.AsSpan(Position), out var rune, out var units) != System.Buffers.OperationStatus.Done)
            throw Fault("ends where a character was expected");
        Position += units;
        return rune.Value;
    }

    /// <summary>What stands before the next <paramref name="end"/>; moves behind it.</summary>
    public string TakeUntil(char end)
    {
        var at = pattern.IndexOf(end, Position);
        if (at < 0) throw Fault($"has no '{end}' for what opens");
        var taken = pattern[Position..at];
        Position = at + 1;
        return taken;
    }

    public string TakeWhile(Func<char, bool> accept, int most = int.MaxValue)
    {
        var start = Position;
        while (!AtEnd && Position - start < most && accept(pattern[Position])) Position++;
        return pattern[start..Position];
    }

    public FormatException Fault(string message) => new($"{message} at character {Position} of the regular expression '{pattern}'");
}
