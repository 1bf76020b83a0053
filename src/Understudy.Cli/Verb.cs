using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Understudy.Cli;

/// <summary>A verb with an example, which its help ends with.</summary>
internal sealed class Verb(string name, string description, string example) : Command(name, description)
{
    public string Example { get; } = example;

    /// <summary>Whether the same command, given again after a stop, takes up what is done already.</summary>
    public bool Continues { get; init; }
}

/// <summary>The usual help, then the verb's example.</summary>
internal sealed class HelpWithExample(HelpAction help) : SynchronousCommandLineAction
{
    // --help asks for help whatever else is wrong with the command line.
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var exit = help.Invoke(parseResult);
        if (parseResult.CommandResult.Command is Verb verb)
        {
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine(verb.Example.Contains('\n', StringComparison.Ordinal) ? "Examples:" : "Example:");
            foreach (var line in verb.Example.Split('\n'))
                output.WriteLine($"  {line}");
        }
        return exit;
    }
}
