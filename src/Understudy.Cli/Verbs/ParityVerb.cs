using System.CommandLine;
using System.Globalization;
using Understudy.Parity;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy parity FOLDER...</c></summary>
internal static class ParityVerb
{
    public static Command Create(Execution execution)
    {
        var paths = new Argument<string[]>("FOLDER")
        {
            Description = "Folders and files with stored references, or folders with such folders below them.",
            Arity = ArgumentArity.OneOrMore,
        };
        paths.Validators.Add(GlobalOptions.RefuseOptions);
        var threads = GlobalOptions.Threads();
        var verb = new Verb("parity", "Compares what this library computes with stored outputs of the reference implementations. Exit code 1 when a check fails.",
            "understudy parity ../shared/golden/gpt-neox ../shared/golden/schedules.json")
        {
            paths, threads,
        };
        verb.SetAction(parsed =>
        {
            GlobalOptions.UseThreads(parsed.GetValue(threads));
            return Run([.. parsed.GetRequiredValue(paths).SelectMany(GoldenFolder.Find)], execution.Output, execution.Stop);
        });
        return verb;
    }

    /// <summary>Makes the checks of <paramref name="groups"/> and prints a line for each: verdict, place, name, largest difference, tolerance, note.</summary>
    internal static int Run(IReadOnlyList<ParityGroup> groups, TextWriter output, CancellationToken stop)
    {
        var counts = new int[3];
        foreach (var group in groups)
        {
            var place = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(group.Path)));
            foreach (var check in group.Run())
            {
                stop.ThrowIfCancellationRequested();
                counts[(int)check.Verdict]++;
                output.WriteLine(Line(place, check));
            }
        }
        var (passed, failed, skipped) = (counts[(int)ParityVerdict.Passed], counts[(int)ParityVerdict.Failed], counts[(int)ParityVerdict.Skipped]);
        output.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
        return failed > 0 ? ExitCodes.Failed : ExitCodes.Done;
    }

    private static string Line(string place, ParityCheck check)
    {
        var note = check.Note.Length > 0 ? $"  {check.Note.ReplaceLineEndings(" ")}" : "";
        return check.Verdict == ParityVerdict.Skipped
            ? $"skipped {place} {check.Name}:{note}"
            : $"{(check.Verdict == ParityVerdict.Passed ? "passed " : "FAILED ")} {place} {check.Name}: difference {Number(check.Difference)}, tolerance {Number(check.Tolerance)}{note}";
    }

    private static string Number(double value) => value.ToString(value is 0 or >= 1 ? "0.###" : "0.0e+00", CultureInfo.InvariantCulture);
}
