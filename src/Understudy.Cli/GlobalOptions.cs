using System.CommandLine;
using System.CommandLine.Parsing;

namespace Understudy.Cli;

/// <summary>Options of more than one verb.</summary>
internal static class GlobalOptions
{
    public static Option<bool> Verbose { get; } = new("--verbose")
    {
        Description = "Show where in the program an error came from.",
        Recursive = true,
    };

    /// <summary>A mistyped option must not pass for a file's name.</summary>
    public static void RefuseOptions(ArgumentResult argument)
    {
        foreach (var token in argument.Tokens.Where(token => token.Value.StartsWith("--", StringComparison.Ordinal)))
            argument.AddError($"Unrecognized option '{token.Value}'.");
    }

    public static Option<int> Threads() => new("--threads")
    {
        Description = "Processor threads for arithmetic; 0 takes one for each core.",
        HelpName = "N",
    };
}
