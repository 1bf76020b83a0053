using Understudy.Cli;
using Understudy.Evaluation;
using Understudy.Recipes;

namespace Understudy.Tests.Cli;

public sealed class CompareVerbTests
{
    [Fact]
    public void The_table_has_runs_settings_arms_and_means()
    {
        var interval = new ConfidenceInterval(0.4, 0.6);
        var result = new CompareResult(
            [new("runs/a", "first", "1", 12, 100), new("runs/b", "second\u001b[31m", "2", 12, 100)],
            [new("seed", ["1", "2"], true), new("students[0].model", [null, "/a/very/long/path/to/a/folder/with/a/model/in/it"], true)],
            true,
            [
                new("student", "seeds_only", [new(1, 0.5, interval, null), new(1, 0.62, interval, new(0.12, new(0.05, 0.19), 0.0004))]),
                new("student", "both", [null, new(1, 0.7, interval, null)]),
            ],
            [new("student", "seeds_only", 0.56, interval, null, null, null), new("student", "both", 0.6, interval, 0.04, new(-0.01, 0.09), 0.08)]);
        Assert.Equal(
            """
            run  name         folder  seed  seeds  test rows
            A    first        runs/a     1     12        100
            B    second?[31m  runs/b     2     12        100

            setting            A  B
            seed               1  2
            students[0].model  -  ...g/path/to/a/folder/with/a/model/in/it

            model    trained on      A  95% interval      B  95% interval  B - A   95% interval       p
            student  seeds_only  50.0%   40.0%-60.0%  62.0%   40.0%-60.0%  +12.0  +5.0 to +19.0  <0.001
            student  both                             70.0%   40.0%-60.0%
            Differences are to A, in points of accuracy, with a paired bootstrap interval over the test rows; p is McNemar's exact test, with several repeats a paired t test over the rows. Neither says what other training seeds would give.

            model    trained on  mean of 2  95% interval  to seeds_only  95% interval      p
            student  seeds_only      56.0%   40.0%-60.0%
            student  both            60.0%   40.0%-60.0%           +4.0  -1.0 to +9.0  0.080
            The runs differ in their seed alone: intervals are Student's t over 2 runs, p is the paired t test against seeds_only.

            """, CompareTable.Of(result));
    }

    [Fact]
    public void A_folder_without_a_run_is_the_users_to_cure()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(
            (2, "", $"'{folder["a"]}' is not a run folder: expected a folder with a run.yaml in it, as 'understudy run' makes one, found no folder of that name.\n"),
            Type("compare", folder["a"], folder["b"]));
        Assert.Equal((2, ""), (Type("compare", folder["a"]).Exit, Type("compare", folder["a"]).Output));
    }

    internal static (int Exit, string Output, string Error) Type(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (CommandLine.Run(args, output, error), output.ToString(), error.ToString());
    }
}
