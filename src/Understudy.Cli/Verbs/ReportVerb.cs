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
        var beside = new Option<string[]>("--beside")
        {
            Description = "A run folder whose pre-training is set beside this one's: losses by step and by time, and when each reached what all reached. May be given several times.",
            HelpName = "RUN",
        };
        var verb = new Verb("report", "Writes report.html into a run folder: figures, curves, rows and settings on one page.",
            "understudy report runs/slurp-intents\nunderstudy report runs/adamw --beside runs/muon")
        {
            run, beside,
        };
        verb.SetAction(parsed =>
        {
            var (folder, others) = (parsed.GetRequiredValue(run), parsed.GetValue(beside) ?? []);
            execution.Output.WriteLine(RunScreen.Show(execution.Error, progress =>
            {
                PretrainingBaselines.Measure(folder, progress, execution.Stop);
                return Report.Write(folder, others);
            }));
            return ExitCodes.Done;
        });
        return verb;
    }
}
