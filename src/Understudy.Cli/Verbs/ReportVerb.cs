using System.CommandLine;
using Understudy.Recipes;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy report RUN</c></summary>
internal static class ReportVerb
{
    public static Command Create(Execution execution)
    {
        var run = new Argument<string>("RUN") { Description = "A run folder, of a finished run or not." };
        run.Validators.Add(GlobalOptions.RefuseOptions);
        var verb = new Verb("report", "Writes report.html into a run folder: figures, curves, rows and settings on one page.", "understudy report runs/slurp-intents") { run };
        verb.SetAction(parsed =>
        {
            execution.Output.WriteLine(Report.Write(parsed.GetRequiredValue(run)));
            return ExitCodes.Done;
        });
        return verb;
    }
}
