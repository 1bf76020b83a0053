namespace Understudy.Cli;

/// <summary>A command as a person may type it into a shell.</summary>
internal static class CommandText
{
    /// <summary>How the program was called: the launcher says so in UNDERSTUDY_COMMAND.</summary>
    private static string Program => Environment.GetEnvironmentVariable("UNDERSTUDY_COMMAND") is { Length: > 0 } command ? command : "understudy";

    /// <summary>The program with these arguments, quoted where a shell needs it.</summary>
    public static string Of(params IEnumerable<string> arguments) => $"{Quoted(Program)} {string.Join(' ', arguments.Select(Quoted))}";

    private static string Quoted(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or '=' or ':' or ',' or '+' or '@' or '%')
            ? argument
            : $"'{argument.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
