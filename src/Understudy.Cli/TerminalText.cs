namespace Understudy.Cli;

/// <summary>Texts in which somebody else's words may stand: of a data file, a model, a run folder.</summary>
internal static class TerminalText
{
    /// <summary>The text without what commands a terminal: control characters but for line breaks and tabs become question marks.</summary>
    public static string Of(string text) => string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\t') ? '?' : c));
}
