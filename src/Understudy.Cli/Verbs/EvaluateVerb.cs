using System.CommandLine;
using System.Globalization;
using Understudy.Data;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy evaluate MODEL FILE</c></summary>
internal static class EvaluateVerb
{
    public static Command Create(Execution execution)
    {
        var arguments = new RowArguments("File with labelled rows: JSON Lines, CSV or TSV, gzip allowed.");
        var json = GlobalOptions.Json("Every figure as JSON, each label's and the confusion matrix included.");
        var verb = new Verb("evaluate", "Measures a student on labelled rows: accuracy and F1 with their 95% intervals, agreement, calibration.",
            "understudy evaluate runs/slurp-intents/models/minilm.both.1 test.jsonl.gz --set columns.label=intent");
        arguments.AddTo(verb);
        verb.Add(json);
        verb.SetAction(parsed =>
        {
            var source = arguments.Read(parsed, execution);
            var rows = ExampleReader.Read(source, labelled: true).Take(source.MaxRows ?? int.MaxValue).ToArray();
            var folder = arguments.Model(parsed, execution);
            var (result, _) = Evaluate.Student(folder, rows, arguments.Options(parsed), seed: 1, arguments.Device(parsed), execution.Stop, NamedModel.Base(folder, execution));
            execution.Output.Write(parsed.GetValue(json) ? RunJson.Text(result) : Table(result));
            return ExitCodes.Done;
        });
        return verb;
    }

    private static string Table(EvaluationResult result) => TextTable.Of(
    [
        [$"{result.Rows} rows", "", "95% interval", "bootstrap"],
        ["accuracy", FigureText.Percent(result.Accuracy), FigureText.Percent(result.AccuracyInterval), FigureText.Percent(result.AccuracyBootstrap)],
        ["macro-F1", FigureText.Percent(result.MacroF1), "", FigureText.Percent(result.MacroF1Bootstrap)],
        ["micro-F1", FigureText.Percent(result.MicroF1), "", ""],
        ["weighted F1", FigureText.Percent(result.WeightedF1), "", ""],
        ["balanced accuracy", FigureText.Percent(result.BalancedAccuracy), "", ""],
        ["Matthews correlation", Number(result.Mcc), "", ""],
        ["Cohen's kappa", Number(result.Kappa), "", ""],
        ["log-loss", Number(result.LogLoss), "", ""],
        ["calibration error", FigureText.Percent(result.Ece), "", ""],
    ], texts: 1);

    private static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);
}
