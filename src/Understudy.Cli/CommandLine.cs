using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Understudy.Cli.Verbs;
using Understudy.Data;

namespace Understudy.Cli;

/// <summary>The program: one verb for each recipe.</summary>
/// <remarks>Exit codes: 0 done, 1 a failure of ours or a failed check, 2 the input is at fault, 130 stopped with Ctrl+C, 141 the reader of the output is gone, 143 stopped by SIGTERM.</remarks>
internal static class CommandLine
{
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        using var stop = new StopSignal();
        var parsed = Root(new Execution(output, error, stop.Token)).Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpWithExample)
            return Misused(parsed, error);
        return ExitCodes.Guard(error, parsed.GetValue(GlobalOptions.Verbose), stop, args, parsed.CommandResult.Command is Verb { Continues: true }, () =>
            parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false }));
    }

    internal static RootCommand Root(Execution execution)
    {
        var root = new RootCommand("Trains a small model to stand in for a large one, from a handful of labels.")
        {
            StatusVerb.Create(execution),
            EvaluateVerb.Create(execution),
            ReportVerb.Create(execution),
            PredictVerb.Create(execution),
            CompareVerb.Create(execution),
            ModelsVerb.Create(execution),
            InspectVerb.Create(execution),
            MergeVerb.Create(execution),
            BenchVerb.Create(execution),
            ParityVerb.Create(execution),
            PerplexityVerb.Create(execution),
            QuantizeVerb.Create(execution),
            ExportVerb.Create(execution),
        };
        foreach (var verb in RunVerbs.Create(execution).Reverse())
            root.Subcommands.Insert(0, verb);
        root.Subcommands.Insert(0, PlanVerb.Create(execution));
        root.Subcommands.Insert(0, InitVerb.Create(execution));
        root.HelpName = "understudy";
        root.Add(GlobalOptions.Verbose);
        foreach (var help in root.Options.OfType<HelpOption>())
            help.Action = new HelpWithExample((HelpAction)help.Action!);
        return root;
    }

    private static int Misused(ParseResult parsed, TextWriter error)
    {
        // After a mistyped verb everything behind it is in the wrong place too; one message is enough.
        var wrongVerb = parsed.CommandResult.Command is RootCommand && parsed.UnmatchedTokens.Count > 0;
        foreach (var fault in wrongVerb ? parsed.Errors.Where(fault => fault.Message.Contains($"'{parsed.UnmatchedTokens[0]}'", StringComparison.Ordinal)) : parsed.Errors)
            error.WriteLine(fault.Message + Suggestion(parsed, fault));
        var verb = "";
        for (SymbolResult? result = parsed.CommandResult; result is CommandResult { Command: not RootCommand and var command }; result = result.Parent)
            verb = $" {command.Name}{verb}";
        error.WriteLine($"'understudy{verb} --help' explains{(verb.Length > 0 ? ", with an example" : "")}.");
        return ExitCodes.InputAtFault;
    }

    private static string Suggestion(ParseResult parsed, ParseError fault)
    {
        foreach (var token in parsed.UnmatchedTokens.Where(token => fault.Message.Contains($"'{token}'", StringComparison.Ordinal)))
        {
            var command = parsed.CommandResult.Command;
            var names = token.StartsWith('-')
                ? command.Options.Concat(command.Parents.OfType<Command>().SelectMany(parent => parent.Options)).Select(option => option.Name)
                : command.Subcommands.Select(verb => verb.Name);
            return Suggest.DidYouMean(token, names);
        }
        return "";
    }
}
