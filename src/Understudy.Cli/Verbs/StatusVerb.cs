using System.CommandLine;
using System.Globalization;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy status RUN</c></summary>
internal static class StatusVerb
{
    public static Command Create(Execution execution)
    {
        var run = new Argument<string>("RUN") { Description = "A run folder." };
        run.Validators.Add(GlobalOptions.RefuseOptions);
        var json = GlobalOptions.Json("One JSON object in place of the table.");
        var verb = new Verb("status", "Says of a run what is done, what is under way and what is left, and how to continue. It only reads.",
            "understudy status runs/demo\nunderstudy status runs/demo --json")
        {
            run, json,
        };
        verb.SetAction(parsed =>
        {
            var status = RunStatus.Read(parsed.GetRequiredValue(run));
            execution.Output.Write(parsed.GetValue(json) ? RunJson.Text(status) : Table(status));
            return ExitCodes.Done;
        });
        return verb;
    }

    internal static string Table(RunStatus status)
    {
        var lines = status.Stages.Select(stage => new[] { stage.Name, State(stage), Done(stage), Figures(stage) }).Prepend(["stage", "state", "progress", "figures"]).ToList();
        var text = TextTable.Of(lines, texts: 4);
        if (status.Note is { } note)
            text += $"{TerminalText.Of(note)}\n";
        if (status.Process is { } process)
            return $"{text}Under way: {TerminalText.Of(process)} has the folder.\n";
        if (status.Finished)
            return $"{text}The run is finished: {Path.Combine(status.Folder, status.Verb == "pretrain" ? "models/pretrained" : "result.json")}.\n";
        return $"{text}No process is at it. To continue: {CommandText.Of(status.Verb, Path.Combine(status.Folder, "run.yaml"), "--output", status.Folder)}\n";
    }

    private static string State(StageStatus stage) => stage.State switch
    {
        StageProgressState.NotBegun => "not begun",
        StageProgressState.Running => "running",
        StageProgressState.Interrupted => "interrupted",
        _ => "done",
    };

    private static string Done(StageStatus stage)
    {
        var parts = new List<string>();
        if (stage is { Step: { } step, State: StageProgressState.Done })
            parts.Add(Text($"{step:N0} steps"));
        else if (stage.Step is { } at)
            parts.Add(stage.TotalSteps is { } total ? Text($"at step {at:N0} of {total:N0}") : stage.Epoch is { } epoch && at > 0 ? Text($"at step {at:N0}, epoch {epoch}") : Text($"at step {at:N0}"));
        if (stage.Rows is { } rows)
            parts.Add(Text($"{rows:N0} rows"));
        if (stage.Seconds is { } seconds)
            parts.Add(StageClock.Duration(TimeSpan.FromSeconds(seconds)));
        return string.Join(", ", parts);
    }

    private static string Figures(StageStatus stage) => string.Join(", ", stage.Figures.Select(figure =>
        figure.Key.Contains("accuracy", StringComparison.Ordinal) || figure.Key.EndsWith("f1", StringComparison.Ordinal) ? Text($"{figure.Key} {100 * figure.Value:0.0}%")
        : figure.Value == Math.Truncate(figure.Value) ? Text($"{figure.Key} {figure.Value:N0}")
        : Text($"{figure.Key} {figure.Value:0.000}")));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
