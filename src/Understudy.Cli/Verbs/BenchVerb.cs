using System.CommandLine;
using System.Globalization;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy bench</c></summary>
internal static class BenchVerb
{
    // Steps of a profile that says nothing else.
    private const int ProfileSteps = 5;

    // Two programs measured so often in turns have an interval that is of use.
    private const int Turns = 5;

    public static Command Create(Execution execution)
    {
        var shape = new Option<string[]>("--shape")
        {
            Description = $"A shape to measure, or all. May be given several times; each shape and precision is then measured in a process of its own. {string.Join("; ", BenchShapes.All.Select(one => $"{one.Name}: {one.Description}"))}.",
            HelpName = "NAME",
            Arity = ArgumentArity.OneOrMore,
        };
        var profile = new Option<bool>("--profile") { Description = $"Says, after the rates, where the time of a training step goes: a table of its operations over {ProfileSteps} steps (--set profile_steps=N for another number)." };
        var json = new Option<string>("--json") { Description = "Writes everything that was measured to a file, every round included; - writes it to standard output, in place of the table.", HelpName = "FILE" };
        var against = GlobalOptions.Text("--against", "FILE", "Compares with what --json wrote earlier; without --shape, measures what that did. Where the program that wrote it is still there and is another build than this one, the two are also run in turns.");
        var againstProgram = GlobalOptions.Text("--against-program", "PROGRAM", "Compares with another build of Understudy, its executable or its Understudy.Cli.dll: the two measure in turns, each in processes of its own.");
        var turns = GlobalOptions.Number("--turns", 2, $"How often the two programs measure; {Turns} by default.");
        var set = GlobalOptions.Set("What to measure, for example --set architecture.hidden_size=256. May be given several times. Keys: architecture, lora, vocab_size, batch_size, row_length, target_length, shortest_row, gradient_checkpointing, generation_rows, prompt_length, new_tokens, gemm_size, repeats, precisions, threads, profile_steps, seed.");
        var threads = Threads();
        var device = GlobalOptions.Device();
        var verb = new Verb("bench", "Measures training steps and generation of a model with random weights, in turns with a plain matrix product of the same precision: no model can be faster than that. Without --shape: GPT-NeoX 70m, training and generation.",
            "understudy bench\nunderstudy bench --shape neox-mini --shape roberta-base --json today.json\nunderstudy bench --shape neox-160m --profile --set precisions=[bf16]\nunderstudy bench --against today.json\nunderstudy bench --set architecture.hidden_size=256 --set architecture.num_attention_heads=4 --set vocab_size=8192 --set batch_size=32")
        {
            shape, profile, json, against, againstProgram, turns, set, threads, device, BenchCurveVerb.Create(execution), BenchGenerateVerb.Create(execution),
        };
        verb.SetAction(parsed =>
        {
            var overrides = (parsed.GetValue(set) ?? []).ToList();
            foreach (var given in overrides)
                execution.Error.WriteLine($"override {given}");
            if (parsed.GetValue(profile) && !overrides.Exists(given => given.StartsWith("profile_steps=", StringComparison.Ordinal)))
                overrides.Add(string.Create(CultureInfo.InvariantCulture, $"profile_steps={ProfileSteps}"));
            if (parsed.GetValue(threads) is { Length: > 1 } several)
                overrides.Add($"threads=[{string.Join(',', several)}]");
            GlobalOptions.UseThreads(parsed.GetValue(threads) is [var only] ? only : 0);
            var place = GlobalOptions.DeviceOf(parsed.GetRequiredValue(device));
            var earlier = parsed.GetValue(against) is { } file ? BenchReport.Read(file) : null;
            var jobs = BenchJob.All(parsed.GetValue(shape) ?? [], overrides, earlier);
            var other = BenchProcess.Other(parsed.GetValue(againstProgram), earlier, execution.Error);
            var target = parsed.GetValue(json);
            if (target is not null and not "-")
                Storage.CheckReplaceable(target);
            var apart = new BenchRuns(overrides, torch.get_num_threads(), place, execution.Stop);
            var (results, comparison) = RunScreen.Show<(IReadOnlyList<BenchResult>, BenchComparison?)>(execution.Error, progress => (jobs, other) switch
            {
                (_, not null) => apart.InTurns(jobs, other, parsed.GetValue(turns) is var asked and > 0 ? asked : Turns, progress),
                ([var job], null) => ([Bench.Run(job.Options, place, progress, job.Shape, execution.Stop)], null),
                _ => (apart.Each(jobs, progress), null),
            });
            var report = BenchReport.Of(results, place, BenchProcess.ThisProgram, DateTime.UtcNow);
            report = report with { Comparisons = [.. Compared(report, comparison, earlier)] };
            if (target is not null and not "-")
                report.Write(target);
            execution.Output.Write(target == "-" ? report.ToJson() : BenchTable.Of(report));
            return ExitCodes.Done;
        });
        return verb;
    }

    private static IEnumerable<BenchComparison> Compared(BenchReport report, BenchComparison? inTurns, BenchReport? earlier)
    {
        if (inTurns is not null)
            yield return inTurns;
        if (earlier is not null)
            yield return BenchComparison.WithEarlier(report, earlier);
    }

    /// <summary>One number of threads as elsewhere, or several.</summary>
    private static Option<int[]> Threads() => new("--threads")
    {
        Description = "Processor threads for arithmetic; 0 takes one for each core. Several, as in 1,2,4, are measured in turns, to see how training scales.",
        HelpName = "N[,N...]",
        CustomParser = result =>
        {
            var given = result.Tokens is [var token] ? token.Value.Split(',') : [""];
            var least = given.Length > 1 ? 1 : 0;
            var numbers = new int[given.Length];
            for (var i = 0; i < given.Length; i++)
            {
                if (!int.TryParse(given[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out numbers[i]) || numbers[i] < least)
                    result.AddError($"--threads: expected a whole number of at least {least}, found '{given[i]}'.");
            }
            return numbers;
        },
    };
}
