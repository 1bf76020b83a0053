using System.Globalization;
using Understudy.Models;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Works out which settings would make a stage fit: what was measured, with the part changed that a setting changes, by the formulas of <see cref="ModelMemory"/>.</summary>
internal static class PlanAdvisor
{
    private static readonly int[] Lengths = [4096, 2048, 1024, 512, 256, 128, 64];

    /// <summary>Single changes, and where none of them is enough the fewest together that are.</summary>
    /// <param name="need">The stage.</param>
    /// <param name="free">Bytes that there are.</param>
    public static IEnumerable<PlanAdvice> Changes(PlanNeed need, long free)
    {
        var now = new Setting(need);
        List<Setting> single = need.Training is null ? [Fewer(now, free), Adapted(now)] : [Fewer(now, free), Checkpointed(now), Shorter(now, free), Narrow(now), Adapted(now), Held(now)];
        var useful = single.Where(setting => setting.Keys.Count > 0 && setting.Peak < 0.98 * now.Peak).ToList();
        foreach (var setting in useful.OrderByDescending(setting => setting.Peak <= free).ThenBy(setting => setting.Peak))
        {
            yield return setting.Advice(free);
        }

        if (useful.Exists(setting => setting.Peak <= free)) yield break;
        var all = now;
        // What costs least comes first: results stay the same, then the arithmetic, then what is trained.
        foreach (var change in new Func<Setting, Setting>[] { setting => Fewer(setting, free), Checkpointed, Narrow, Adapted, Held, setting => Shorter(setting, free) })
        {
            if (need.Training is null && change != Adapted && all.Keys.Count > 0) continue;
            all = change(all);
            if (all.Peak <= free) break;
        }

        if (all.Keys.Count > 1) yield return all.Advice(free);
    }

    private static Setting Fewer(Setting given, long free)
    {
        var (need, rows) = (given.Need, given.Rows);
        while (rows > 1 && (given with { Rows = rows }).Peak > free) rows = (rows + 1) / 2;
        if (rows == given.Rows) return given;
        if (need.Training is not { } training) return given.With($"{need.Section}.batch_size={rows}", given with { Rows = rows });
        var times = training.GradientAccumulationSteps * (int)Math.Ceiling(given.Rows / (double)rows);
        var changed = given.With($"{need.Section}.batch_size={rows}", given with { Rows = rows }).With($"{need.Section}.gradient_accumulation_steps={times}");
        return training.MaxTokensPerBatch is null ? changed : changed.With($"{need.Section}.max_tokens_per_batch={rows * given.Length}");
    }

    private static Setting Checkpointed(Setting given) =>
        given.Checkpointed || given.Need.Training is null ? given : given.With($"{given.Need.Section}.gradient_checkpointing=true", given with { Checkpointed = true, Note = "steps take about a third longer" });

    private static Setting Shorter(Setting given, long free)
    {
        var fitting = Lengths.Where(length => length < given.Length).ToList();
        if (given.Need.Training is null || fitting.Count == 0) return given;
        var length = fitting.Find(length => (given with { Length = length }).Peak <= free);
        if (length == 0) length = fitting[^1];
        return given.With($"{given.Need.Section}.max_length={length}", given with { Length = length, Note = "longer rows are cut" });
    }

    private static Setting Narrow(Setting given) =>
        given.Narrow || given.Need.Training is null ? given : given.With($"{given.Need.Section}.precision=bf16", given with { Narrow = true });

    private static Setting Adapted(Setting given)
    {
        if (!given.Need.MayAdapt || given.Lora is not null) return given;
        var lora = new LoraOptions { BaseDtype = WeightType.Bfloat16 };
        return given.With($"{AdapterSection(given)}.base_dtype=bfloat16", given with { Lora = lora, Narrow = true, Note = "an adapter of rank 16 is tuned in place of all weights" });
    }

    private static Setting Held(Setting given)
    {
        if (given.Lora is not { } lora) return given;
        if (lora.BaseDtype == WeightType.Float32 && lora.BaseQuantization == WeightQuantization.None)
        {
            return given.With($"{AdapterSection(given)}.base_dtype=bfloat16", given with { Lora = lora with { BaseDtype = WeightType.Bfloat16 }, Narrow = true });
        }

        return lora.BaseQuantization != WeightQuantization.None ? given
            : given.With($"{AdapterSection(given)}.base_quantization=nf4", given with { Lora = lora with { BaseQuantization = WeightQuantization.Nf4 } });
    }

    private static string AdapterSection(Setting given) => given.Need.Section.StartsWith("students.", StringComparison.Ordinal)
        ? $"{given.Need.Section[..given.Need.Section.LastIndexOf('.')]}.lora"
        : "teacher.lora";

    /// <summary>A stage with some settings changed.</summary>
    private sealed record Setting(PlanNeed Need)
    {
        public int Rows { get; init; } = Need.Rows;

        public int Length { get; init; } = Need.Length;

        public bool Narrow { get; init; } = Need.Shape.Narrows(Need.Training?.Precision ?? PrecisionMode.Fp32);

        public bool Checkpointed { get; init; } = Need.Training?.GradientCheckpointing ?? true;

        public LoraOptions? Lora { get; init; } = Need.Shape.Lora;

        public string Note { get; init; } = "";

        public IReadOnlyList<string> Keys { get; init; } = [];

        /// <summary>What was measured, less what this stage has of weights and batches, and with what it would have.</summary>
        public long Peak
        {
            get
            {
                var (was, state) = (State(Need.Shape.Lora), State(Lora));
                var batch = Math.Max(0, Need.Peak - Need.Before - was);
                var before = new Setting(Need);
                return (long)(Need.Before + state + (batch * (Formula(this) / Formula(before))));
            }
        }

        public Setting With(string key, Setting? changed = null) => (changed ?? this) with { Keys = [.. Keys, key] };

        public PlanAdvice Advice(long free) => new(Need.Stage, Keys, Peak, Peak <= free, Note);

        private double State(LoraOptions? lora) => lora is null
            ? (Need.Shape.Held(WeightQuantization.None, WeightType.Float32) * (Need.Training is null ? 1.0 : 4.0))
            : Need.Shape.Held(lora.BaseQuantization, lora.BaseDtype) + (Need.Shape.Adapter * (Need.Training is null ? 4.0 : 16.0));

        private double Formula(Setting of) => Need.Shape.Activations(of.Rows, of.Length, of.Narrow, of.Checkpointed);
    }

    /// <summary>The settings as the command line takes them.</summary>
    internal static string InWords(PlanAdvice advice) => string.Join(" ", advice.Settings.Select(setting => string.Create(CultureInfo.InvariantCulture, $"--set {setting}")));
}
