using System.CommandLine;
using System.Globalization;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy bench</c></summary>
internal static class BenchVerb
{
    private const string AllShapes = "all";

    // Steps of a profile that says nothing else.
    private const int ProfileSteps = 5;

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
        var set = GlobalOptions.Set("What to measure, for example --set architecture.hidden_size=256. May be given several times. Keys: architecture, lora, vocab_size, batch_size, row_length, target_length, shortest_row, gradient_checkpointing, generation_rows, prompt_length, new_tokens, gemm_size, repeats, precisions, threads, profile_steps, seed.");
        var threads = Threads();
        var device = GlobalOptions.Device();
        var verb = new Verb("bench", "Measures training steps and generation of a model with random weights, in turns with a plain matrix product of the same precision: no model can be faster than that. Without --shape: GPT-NeoX 70m, training and generation.",
            "understudy bench\nunderstudy bench --shape neox-mini --shape roberta-base --json today.json\nunderstudy bench --shape neox-160m --profile --set precisions=[bf16]\nunderstudy bench --set architecture.hidden_size=256 --set architecture.num_attention_heads=4 --set vocab_size=8192 --set batch_size=32")
        {
            shape, profile, json, set, threads, device,
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
            var jobs = Jobs(Names(parsed.GetValue(shape) ?? []), overrides);
            var results = RunScreen.Show<IReadOnlyList<BenchResult>>(execution.Error, progress => jobs is [var job]
                ? [Bench.Run(job.Options, place, progress, job.Shape, execution.Stop)]
                : Apart(jobs, overrides, torch.get_num_threads(), place, progress, execution.Stop));
            var report = BenchReport.Of(results, place, BenchProcess.ThisProgram, DateTime.UtcNow);
            var target = parsed.GetValue(json);
            if (target is not null and not "-")
                report.Write(target);
            execution.Output.Write(target == "-" ? report.ToJson() : BenchTable.Of(report));
            return ExitCodes.Done;
        });
        return verb;
    }

    private static string?[] Names(string[] given) => given.Length == 0 ? [null]
        : [.. given.SelectMany(name => name == AllShapes ? BenchShapes.All.Select(shape => shape.Name) : [BenchShapes.ByName(name).Name]).Distinct()];

    /// <summary>What is measured at once: one shape in one precision.</summary>
    private static List<Job> Jobs(string?[] names, List<string> overrides) =>
    [
        .. names.SelectMany(name =>
        {
            var options = RunFile.Parse<BenchOptions>(name is null ? "" : RunFile.ToYaml(BenchShapes.ByName(name).Options), name is null ? "command line" : $"shape {name}", overrides).Options;
            return options.Precisions.Distinct().Select(precision => new Job(name, options with { Precisions = [precision] }));
        }),
    ];

    private static List<BenchResult> Apart(List<Job> jobs, List<string> overrides, int threads, Device device, IRunProgress progress, CancellationToken stop)
    {
        var results = new List<BenchResult>();
        using var bar = progress.Start("bench", jobs.Count, "measurements");
        foreach (var job in jobs)
        {
            results.AddRange(BenchProcess.Run(BenchProcess.ThisProgram, job.Arguments(overrides, threads, device), stop).Results);
            bar.Advance(1, detail: $"{job.Shape} {ScalarValue.Text(job.Options.Precisions[0])}");
        }
        bar.Finish();
        return results;
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

    private sealed record Job(string? Shape, BenchOptions Options)
    {
        public IEnumerable<string> Arguments(List<string> overrides, int threads, Device device)
        {
            IEnumerable<string> shape = Shape is null ? [] : ["--shape", Shape];
            IEnumerable<string> sets = overrides.Append($"precisions=[{ScalarValue.Text(Options.Precisions[0])}]").SelectMany(one => (string[])["--set", one]);
            return [.. shape, .. sets, "--threads", threads.ToString(CultureInfo.InvariantCulture), "--device", device.ToString()];
        }
    }
}
