using System.CommandLine;
using System.CommandLine.Parsing;
using Understudy.Data;
using Understudy.Recipes;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy predict MODEL [FILE]</c></summary>
internal static class PredictVerb
{
    private static readonly string[] Formats = ["jsonl", "table"];

    public static Command Create(Execution execution)
    {
        var arguments = new RowArguments("File with texts: JSON Lines, CSV, TSV or plain text (one a line), gzip allowed. '-', or nothing when standard input is no terminal, reads that: JSON Lines when it begins with '{', plain text otherwise, or as --set format=csv says.", orStandardInput: true);
        var all = new Option<bool>("--all") { Description = "With --format jsonl: the probability of every label, not only of the most probable one." };
        var withText = new Option<bool>("--with-text") { Description = "With --format jsonl: the text as well. A table always shows it." };
        var format = new Option<string>("--format") { Description = "jsonl (a JSON object a line) or table. The default is a table on a terminal, jsonl otherwise.", HelpName = "FORMAT" };
        format.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var given }] && !Formats.Contains(given))
                result.AddError($"--format: expected jsonl or table, found '{given}'.{Suggest.DidYouMean(given, Formats)}");
        });
        var verb = new Verb("predict", "Labels texts with a student. What comes through a pipe is answered as it comes.",
            "understudy predict runs/demo/models/student.both.1 questions.txt > answers.jsonl\necho 'wake me up at nine' | understudy predict runs/demo/models/student.both.1 --format table");
        arguments.AddTo(verb);
        verb.Add(all);
        verb.Add(withText);
        verb.Add(format);
        verb.Validators.Add(result => RefuseInTable(result, result.GetValue(format), ("--all", result.GetValue(all)), ("--with-text", result.GetValue(withText))));
        verb.SetAction(parsed =>
        {
            var source = arguments.Read(parsed, execution);
            var onTerminal = ReferenceEquals(execution.Output, Console.Out) && !Console.IsOutputRedirected;
            var jsonl = parsed.GetValue(format) is { } given ? given == "jsonl" : !onTerminal || parsed.GetValue(all) || parsed.GetValue(withText);
            var rows = ExampleReader.Read(source, labelled: false).Take(source.MaxRows ?? int.MaxValue);
            var folder = arguments.Model(parsed, execution);
            using var student = Predict.Load(folder, arguments.Device(parsed), NamedModel.Base(folder, execution));
            IPredictionWriter writer = jsonl
                ? new PredictionLines(execution.Output, parsed.GetValue(all) ? student.Labels : [], parsed.GetValue(withText))
                : new PredictionTable(execution.Output, student.Labels, onTerminal ? Console.WindowWidth : 100);
            foreach (var (row, label, prediction) in student.Run(rows, arguments.Options(parsed), source.Path == StandardInput.Path && StandardInput.IsPipe, execution.Stop))
                writer.Write(row, label, prediction);
            return ExitCodes.Done;
        });
        return verb;
    }

    private static void RefuseInTable(CommandResult result, string? format, params ReadOnlySpan<(string Option, bool Given)> options)
    {
        foreach (var (option, given) in options)
        {
            if (given && format == "table")
                result.AddError($"{option} goes with --format jsonl, found --format table. Leave out one of them.");
        }
    }
}
