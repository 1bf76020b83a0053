using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Synthesis;

namespace Understudy.Tests.Recipes;

/// <summary>A run folder as a run would leave it, without the run.</summary>
internal static class ReportSample
{
    /// <summary>Texts that a page must show and not obey.</summary>
    public static readonly string[] Hostile =
    [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "]]><!-- --><![CDATA[", "</style><style>*{display:none}</style>", "</title></svg><svg onload=alert(1)>",
        "abc\u202Egnp.exe\u2066\u200F\u2029", "lone \uD800 and \uDC00 surrogates", "NUL \0 and bell \a and \u0085", "&lt;b&gt; &amp; &#x3c;", "javascript:alert(1)", "{{7*7}} ${1} %3Cscript%3E",
        "\u05E9\u05DC\u05D5\u05DD \u0645\u0631\u062D\u0628\u0627", string.Concat(Enumerable.Repeat("long ", 20_000)), new string('x', 3000), "\uFFFE\uFFFF\uFEFF", "line\r\nbreak\ttab",
    ];

    public static void Write(string folder, int labelCount = 4, int repeats = 1, IReadOnlyList<string>? texts = null, bool finished = true, int rowsOfEach = 30)
    {
        Directory.CreateDirectory(Path.Combine(folder, "rows"));
        var random = new SeededRandom(11);
        texts ??= ["wake me at seven", "a timer for the pasta, ten minutes please", "what is on my calendar tomorrow?", "dim the lamp"];
        var hostile = ReferenceEquals(texts, Hostile);
        string[] labels = [.. Enumerable.Range(0, labelCount).Select(i => hostile && i < texts.Count ? VisibleEnough(texts[i]) : $"intent_{i}_{(i % 3 == 0 ? "query" : "set")}")];
        var student = hostile ? "<b>s</b>" : "student";
        File.WriteAllText(Path.Combine(folder, "run.yaml"), $"name: {(hostile ? "'<script>alert(2)</script>'" : "sample")}\nseed: 7\n# ]]> </pre><script>alert(3)</script> \u202E\narms: [seeds_only, annotated, generated, both]\n");
        Storage.Replace(Path.Combine(folder, "manifest.json"), RunJson.Text(new RunManifest
        {
            Understudy = "0.1.0", Dotnet = "10.0.0", Libtorch = "1.13.1", OperatingSystem = "Linux", Processor = hostile ? texts[0] : "a processor", Cores = 2, MemoryGib = 8, Threads = 2, Seed = 7,
            Inputs = new SortedDictionary<string, string> { ["data.train"] = new string('a', 64) }, Overrides = hostile ? [.. texts] : ["seed=7"],
        }));
        RunArm[] arms = [RunArm.SeedsOnly, RunArm.Annotated, RunArm.Generated, RunArm.Both];
        File.WriteAllLines(Path.Combine(folder, "metrics.jsonl"),
        [
            .. Curve("pretrain", 600, 7.5), RunJson.Line(new Dictionary<string, object> { ["stage"] = "pretrain", ["step"] = 600, ["held_out_loss"] = 3.1 }),
            .. Curve("tune", 120, 4),
            .. arms.SelectMany(arm => Enumerable.Range(1, repeats).SelectMany(repeat => Curve($"{student}.{Distill.NameOf(arm)}.{repeat}", arm == RunArm.SeedsOnly ? 150 : 900, 1.6))),
        ]);
        foreach (var mode in Enum.GetValues<SynthesisMode>())
            JsonRows.Write(Path.Combine(folder, "rows", mode == SynthesisMode.Annotated ? "annotated.jsonl" : "generated.jsonl"), Rows(mode));
        if (!finished)
        {
            Storage.Replace(Path.Combine(folder, "stages", "pretrain", "stage.json"), RunJson.Text(new StageMarker<PretrainResult>("f", new Dictionary<string, string>(), true, Pretrained())));
            Storage.Replace(Path.Combine(folder, "stages", "tune", "stage.json"), RunJson.Text(new StageMarker<object>("f", new Dictionary<string, string>(), false, null)));
            return;
        }
        ArmResult[] results = [.. arms.SelectMany(arm => Enumerable.Range(1, repeats).Select(repeat => new ArmResult(student, Distill.NameOf(arm), repeat, 40 + (200 * (int)arm), Test(Share(arm)))))];
        var comparisons = arms[1..].Select(arm => ArmComparison.Of(student, Distill.NameOf(arm), [.. Enumerable.Range(0, repeats).Select(_ => Rights(Share(arm)))], [.. Enumerable.Range(0, repeats).Select(_ => Rights(Share(RunArm.SeedsOnly)))], new EvaluationOptions(), 7)).ToArray();
        var synthesis = new SynthesisResult(rowsOfEach, new Dictionary<string, int> { ["kept"] = rowsOfEach }, 0.71, 0.8);
        Storage.Replace(Path.Combine(folder, "result.json"), RunJson.Text(new RunResult(40, Pretrained(), new TuneResult(40, 120, 0.5, 0.7), Test(0.82), synthesis, synthesis with { Accuracy = null }, results, comparisons)));

        string VisibleEnough(string text) => text.Length > 200 ? text[..200] : text.Replace('\uD800', '?').Replace('\uDC00', '?');
        double Share(RunArm arm) => 0.5 + (0.1 * (int)arm);
        PretrainResult Pretrained() => new(1_234_567, 600, 400_000, 95.4, 3.1, 2.1);
        bool[] Rights(double share) => [.. Enumerable.Range(0, 200).Select(_ => random.NextDouble() < share)];
        EvaluationResult Test(double accuracy)
        {
            int[] truth = [.. Enumerable.Range(0, Math.Max(200, labelCount * 4)).Select(i => i % labelCount)];
            return EvaluationResult.Of(labels, truth, [.. truth.Select(label =>
            {
                var row = new double[labelCount];
                row[random.NextDouble() < accuracy ? label : (label + 1 + random.NextInt(Math.Min(3, labelCount - 1))) % labelCount] = 1;
                return row;
            })], new EvaluationOptions { BootstrapResamples = 0 }, 7);
        }
        IEnumerable<string> Curve(string stage, int steps, double from) => Enumerable.Range(1, steps).Select(step => RunJson.Line(new Dictionary<string, object>
        {
            ["stage"] = stage, ["step"] = step, ["loss"] = (from * Math.Exp(-3.0 * step / steps)) + (0.2 * random.NextDouble()), ["learning_rate"] = 1e-3,
        })).Concat(stage == "tune" || stage.StartsWith(student, StringComparison.Ordinal)
            ? Enumerable.Range(1, 5).Select(i => RunJson.Line(new Dictionary<string, object> { ["stage"] = stage, ["step"] = i * steps / 5, ["validation_accuracy"] = 0.7 - (0.5 / i) })) : []);
        IEnumerable<SyntheticRow> Rows(SynthesisMode mode)
        {
            var number = 0;
            foreach (var verdict in Enum.GetValues<Verdict>())
            {
                for (var i = 0; i < rowsOfEach; i++)
                {
                    var text = texts[number % texts.Count];
                    yield return new SyntheticRow
                    {
                        Id = $"row {++number}", Mode = mode, PromptId = "p", Text = hostile ? text : $"{text} ({number})", TextPair = hostile ? text : null, Label = labels[number % labelCount],
                        AskedLabel = mode == SynthesisMode.Generated ? labels[(number + (i % 2)) % labelCount] : null,
                        Scores = new Dictionary<string, double> { [labels[number % labelCount]] = random.NextDouble() }, Teacher = "t", Verdict = verdict,
                        Reason = verdict == Verdict.Kept ? "" : hostile ? $"It has the same words as {text}." : "It has the same words as the seed 'seed 12'.",
                    };
                }
            }
        }
    }
}
