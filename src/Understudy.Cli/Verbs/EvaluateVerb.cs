using System.CommandLine;
using System.Globalization;
using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Recipes;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy evaluate MODEL FILE</c></summary>
internal static class EvaluateVerb
{
    public static Command Create(Execution execution)
    {
        var arguments = new RowArguments("File with labelled rows: JSON Lines, CSV or TSV, gzip allowed.");
        var verb = new Verb("evaluate", "Measures a student on labelled rows: accuracy with its 95% interval, macro-F1.",
            "understudy evaluate runs/slurp-intents/models/minilm.both.1 test.jsonl.gz --set columns.label=intent");
        arguments.AddTo(verb);
        verb.SetAction(parsed =>
        {
            var source = arguments.Read(parsed, execution);
            var rows = ExampleReader.Read(source, labelled: true).Take(source.MaxRows ?? int.MaxValue).ToArray();
            var (result, _) = Evaluate.Student(arguments.Model(parsed), rows, arguments.Options(parsed), seed: 1, arguments.Device(parsed), execution.Stop);
            var interval = ConfidenceInterval.Wilson((long)Math.Round(result.Accuracy * result.Rows), result.Rows);
            execution.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"accuracy {100 * result.Accuracy:0.00}% (95% interval {100 * interval.Lower:0.00}% to {100 * interval.Upper:0.00}%), macro-F1 {100 * result.MacroF1:0.00}%, {result.Rows} rows"));
            return ExitCodes.Done;
        });
        return verb;
    }
}
