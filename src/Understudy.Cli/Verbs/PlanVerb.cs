using System.CommandLine;
using System.Globalization;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy plan FILE</c></summary>
internal static class PlanVerb
{
    public static Command Create(Execution execution)
    {
        var file = new Argument<string>("FILE") { Description = "The run file (YAML)." };
        file.Validators.Add(GlobalOptions.RefuseOptions);
        var set = GlobalOptions.Set("A value in place of the run file's, for example --set teacher.tune.batch_size=4. May be given several times.");
        var output = GlobalOptions.Text("--output", "FOLDER", "The run folder, in place of the run file's. What is finished there costs nothing.");
        var device = GlobalOptions.Text("--device", "DEVICE", "Where the run would compute, in place of the run file's: cpu, cuda or cuda:N.");
        var threads = GlobalOptions.Threads();
        var seconds = GlobalOptions.Number("--seconds", 1, "Seconds that measuring may take, about.");
        seconds.DefaultValueFactory = _ => 60;
        var json = GlobalOptions.Text("--json", "FILE", "Write the plan as one JSON object, too; sizes are in bytes. - writes it to standard output in place of the table.");
        var verb = new Verb("plan", "Says before a run whether it fits into memory and how long each stage takes, and what to change when it does not fit. It measures a few steps of every model with random weights, and writes nothing into the run folder.",
            "understudy plan configs/slurp-intents.yaml\nunderstudy plan run.yaml --set teacher.tune.batch_size=4 --json plan.json")
        {
            file, set, output, device, threads, seconds, json,
        };
        verb.SetAction(parsed =>
        {
            List<string> overrides = [.. parsed.GetValue(set) ?? []];
            if (parsed.GetValue(output) is { } folder)
                overrides.Add($"output={folder}");
            if (parsed.GetValue(device) is { } named)
                overrides.Add($"device={named}");
            if (parsed.GetResult(threads) is not null)
                overrides.Add($"threads={parsed.GetValue(threads)}");
            var read = RunFile.Load<RunOptions>(parsed.GetRequiredValue(file), overrides);
            read.CheckInputs();
            var options = read.Options;
            var on = GlobalOptions.DeviceOf(options.Device);
            GlobalOptions.UseThreads(options.Threads);
            var plan = new PlanOptions { Seconds = parsed.GetValue(seconds) };
            var target = parsed.GetValue(json);
            if (target is not null and not "-")
                Storage.CheckReplaceable(target);
            using var models = new ModelFolders();
            var result = RunScreen.Show(execution.Error, progress =>
            {
                _ = RunFileVerb.FindModels(read, [.. RunVerbs.BeginsWith(options)], models, progress, execution.Stop);
                return Plan.Run(options, plan, on, models, progress, execution.Stop);
            });
            if (target is not null and not "-")
                Storage.Replace(Path.GetFullPath(target), RunJson.Text(result));
            execution.Output.Write(target == "-" ? RunJson.Text(result) : Table(result));
            return result.Fits ? ExitCodes.Done : ExitCodes.DoesNotFit;
        });
        return verb;
    }

    internal static string Table(PlanResult plan)
    {
        var lines = plan.Stages.Select(Line)
            .Append(["total", "", "", "", "", Time(plan.Seconds), BinarySize.Text(plan.PeakBytes), plan.DevicePeakBytes is { } all ? BinarySize.Text(all) : "", ""])
            .Prepend(["stage", "", "rows", "tokens", "steps", "time", "memory", "GPU", ""]).ToList();
        var text = $"{TextTable.Of(lines, texts: 2)}\n";
        foreach (var assumption in plan.Assumptions)
            text += $"{TerminalText.Of(assumption)}\n";
        text += Text($"Measured for {plan.MeasuringSeconds:0} s on {plan.Device} with {plan.Threads} threads; whatever else the machine does meanwhile changes the times.\n\n");
        return text + Verdict(plan);
    }

    private static string[] Line(StagePlan stage)
    {
        var left = stage.Times - stage.Done;
        var time = left == 0 ? "done" : $"{(left > 1 ? Text($"{left} x ") : "")}{Time(stage.Seconds)}{(stage.MostSeconds > 1.2 * stage.Seconds ? $" (at most {Time(stage.MostSeconds.Value)})" : "")}";
        return
        [
            TerminalText.Of(stage.Name), stage.Done > 0 && left > 0 ? Text($"{stage.Done} of {stage.Times} done") : "", Text($"{stage.Rows:N0}"), stage.Tokens > 0 ? Text($"{stage.Tokens:N0}") : "", stage.Steps is { } steps ? Text($"{steps:N0}") : "", time,
            stage.PeakBytes > 0 ? BinarySize.Text(stage.PeakBytes) : "", stage.DevicePeakBytes is { } bytes ? BinarySize.Text(bytes) : "",
            stage.Basis switch { PlanBasis.FewerBlocks => "from a few blocks", PlanBasis.Reckoned => "reckoned", _ => "" },
        ];
    }

    private static string Verdict(PlanResult plan)
    {
        var free = Text($"{BinarySize.Text(plan.Memory.Free)} of the {plan.Memory.Limit}'s {BinarySize.Text(plan.Memory.Total)} are free");
        var text = plan.DeviceFreeBytes is { } onDevice
            ? $"The run {(plan.Fits ? "fits" : "does not fit")}: it needs {BinarySize.Text(plan.DevicePeakBytes ?? 0)} of the GPU, where {BinarySize.Text(onDevice)} are free, and {BinarySize.Text(plan.PeakBytes)} beside it; {free}.\n"
            : $"The run {(plan.Fits ? "fits" : "does not fit")}: it needs {BinarySize.Text(plan.PeakBytes)}, and {free}.\n";
        foreach (var stage in plan.Advice.GroupBy(advice => advice.Stage))
        {
            text += $"\n{TerminalText.Of(stage.Key)}, any of:\n";
            text += TextTable.Of([.. stage.Select(advice => new[] { $"  {PlanAdvisor.InWords(advice)}", BinarySize.Text(advice.PeakBytes), advice.Fits ? "fits" : "not enough", advice.Note }).Prepend(["  setting", "memory", "", ""])], texts: 1);
        }

        return plan.Fits || plan.Advice.Count > 0 ? text : $"{text}No setting of the run file makes it fit. Take a smaller model or a machine with more memory.\n";
    }

    private static string Time(double seconds) => seconds < 10 ? Text($"{seconds:0.0} s") : StageClock.Duration(TimeSpan.FromSeconds(seconds));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
