using System.CommandLine;
using Understudy.Evaluation;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy compare RUN RUN</c></summary>
internal static class CompareVerb
{
    public static Command Create(Execution execution)
    {
        var folders = new Argument<string[]>("RUN") { Description = "Run folders, at least two; differences are to the first one.", Arity = new ArgumentArity(2, 100) };
        folders.Validators.Add(GlobalOptions.RefuseOptions);
        var json = GlobalOptions.Json("The same as JSON.");
        var verb = new Verb("compare", "Puts finished runs side by side: settings that differ, accuracy of each arm, differences with their tests; means over runs that differ in their seed alone.",
            "understudy compare runs/first runs/second\nunderstudy compare runs/seed-1 runs/seed-2 runs/seed-3 --json")
        {
            folders, json,
        };
        verb.SetAction(parsed =>
        {
            var result = Compare.Run(parsed.GetRequiredValue(folders), new EvaluationOptions());
            execution.Output.Write(parsed.GetValue(json) ? RunJson.Text(result) : CompareTable.Of(result));
            return ExitCodes.Done;
        });
        return verb;
    }
}
