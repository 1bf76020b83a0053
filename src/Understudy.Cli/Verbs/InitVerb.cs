using System.CommandLine;
using Understudy.Recipes;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy init FILE</c></summary>
internal static class InitVerb
{
    public static Command Create(Execution execution)
    {
        var file = new Argument<string>("FILE") { Description = "Your labelled rows: JSON Lines, CSV or TSV, gzip allowed." };
        var unlabelled = new Option<string[]>("--unlabelled") { Description = "Texts of the same kind without labels, in the same formats or as plain text. Several files are allowed.", HelpName = "FILE", Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true };
        var test = GlobalOptions.Text("--test", "FILE", "Labelled rows for the final figures; otherwise a part of FILE is held out.");
        var text = GlobalOptions.Text("--text", "COLUMN", "The text column, where the guess is wrong.");
        var pair = GlobalOptions.Text("--text-pair", "COLUMN", "The column with the second text of a pair task.");
        var label = GlobalOptions.Text("--label", "COLUMN", "The label column, where the guess is wrong.");
        var output = GlobalOptions.Text("--output", "FILE", "The run file to write; run.yaml otherwise.");
        var force = new Option<bool>("--force") { Description = "Overwrite a file that is there." };
        var verb = new Verb("init", "Looks at your own data and writes a commented run file for it, which runs as it is.",
            "understudy init tickets.csv --unlabelled more-tickets.txt\nunderstudy init train.tsv --test test.tsv --text sentence --label intent --output intents.yaml")
        {
            file, unlabelled, test, text, pair, label, output, force,
        };
        file.Validators.Add(GlobalOptions.RefuseOptions);
        verb.SetAction(parsed =>
        {
            var result = Init.Write(new InitOptions
            {
                File = parsed.GetRequiredValue(file),
                Unlabelled = parsed.GetValue(unlabelled) ?? [],
                Test = parsed.GetValue(test),
                Text = parsed.GetValue(text),
                TextPair = parsed.GetValue(pair),
                Label = parsed.GetValue(label),
                Output = parsed.GetValue(output) ?? "run.yaml",
                Force = parsed.GetValue(force),
            });
            foreach (var line in result.Findings.Concat(result.Expectations))
                execution.Error.WriteLine(line);
            execution.Output.WriteLine($"{result.Path} is written. To run it: {CommandText.Of("run", result.Path)}");
            return ExitCodes.Done;
        });
        return verb;
    }
}
