using System.CommandLine;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy bench generate</c></summary>
internal static class BenchGenerateVerb
{
    public static Command Create(Execution execution)
    {
        var only = Only();
        var shape = new Option<string[]>("--shape")
        {
            Description = $"Measures a model of this shape in place of the usual ones. May be given several times. {string.Join("; ", BenchGenerateShapes.All.Select(one => one.Name))}.",
            HelpName = "NAME",
            Arity = ArgumentArity.OneOrMore,
        };
        var quick = new Option<bool>("--quick") { Description = "Takes small counts, and tiny shapes where --shape names none: shows in seconds whether everything runs. The figures say nothing." };
        var json = new Option<string>("--json") { Description = "Writes everything that was measured to a file, every round included; - writes it to standard output, in place of the table.", HelpName = "FILE" };
        var set = GlobalOptions.Set("How much to measure, for example --set mixed_prompts=500. May be given several times. Keys: rows, prompt_length, new_tokens, int8_output, labels, label_prompts, label_prompt_length, prefix_prompts, prefix_length, prefix_own_length, prefix_new_tokens, mixed_prompts, shortest_prompt, longest_prompt, shortest_text, longest_text, beams, beam_rows, source_length, target_length, growth_rows, classify_rows, classify_length, predict_texts, gemm_size, memory_mib, repeats, job_repeats, seed.");
        var threads = GlobalOptions.Threads();
        var verb = new Verb("generate", "Measures generation, label scoring and classification of models with random weights in bf16 on the processor, in the same rounds as a matrix product and a sweep over memory, and holds them against goals and other engines' published rates. Takes tens of minutes; --only and --set make it shorter.",
            "understudy bench generate\nunderstudy bench generate --only decode,prompt --shape neox-70m\nunderstudy bench generate --only mixed --set mixed_prompts=500 --json mixed.json\nunderstudy bench generate --quick")
        {
            only, shape, quick, json, set, threads,
        };
        verb.SetAction(parsed =>
        {
            GlobalOptions.UseThreads(parsed.GetValue(threads));
            var overrides = parsed.GetValue(set) ?? [];
            foreach (var given in overrides)
                execution.Error.WriteLine($"override {given}");
            var small = parsed.GetValue(quick);
            var options = RunFile.Parse<BenchGenerateOptions>(small ? RunFile.ToYaml(BenchGenerateShapes.Quick) : "", small ? "--quick" : "command line", overrides).Options;
            var plan = BenchGenerateShapes.Plan(parsed.GetValue(only) ?? [], parsed.GetValue(shape) ?? [], small);
            var target = parsed.GetValue(json);
            if (target is not null and not "-")
                Storage.CheckReplaceable(target);
            var rows = RunScreen.Show(execution.Error, progress => BenchGenerate.Run(options, plan, progress, execution.Stop));
            var report = BenchGenerateReport.Of(rows, options, BenchProcess.ThisProgram, DateTime.UtcNow);
            if (target is not null and not "-")
                report.Write(target);
            execution.Output.Write(target == "-" ? report.ToJson() : BenchGenerateTable.Of(report));
            return ExitCodes.Done;
        });
        return verb;
    }

    private static Option<BenchGenerateItem[]> Only() => new("--only")
    {
        Description = $"The rows to measure, {string.Join(", ", Enum.GetValues<BenchGenerateItem>().Select(item => ScalarValue.Text(item)))}; all by default.",
        HelpName = "ROW[,ROW]",
        CustomParser = result =>
        {
            var items = new List<BenchGenerateItem>();
            foreach (var given in result.Tokens.SelectMany(token => token.Value.Split(',')))
            {
                var (value, fault) = ScalarValue.Parse(typeof(BenchGenerateItem), given, given);
                if (fault is not null)
                    result.AddError($"--only: {fault}");
                else
                    items.Add((BenchGenerateItem)value!);
            }
            return [.. items];
        },
    };
}
