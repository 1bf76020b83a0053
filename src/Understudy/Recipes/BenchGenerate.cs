using Understudy.Models;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>
/// Measures generation, label scoring and classification of models with random weights, in bfloat16 on the CPU, against what the machine can do in the same round: the product of two square matrices and
/// a sweep over memory.
/// </summary>
public static class BenchGenerate
{
    /// <summary>Measures.</summary>
    /// <param name="options">How much.</param>
    /// <param name="plan">Which shapes, and what of them; see <see cref="BenchGenerateShapes.Plan"/>.</param>
    /// <param name="progress">Told of every row.</param>
    /// <param name="cancel">Checked before every round and every step.</param>
    /// <returns>The rows of the table, in the order of the items.</returns>
    /// <exception cref="InvalidDataException">A shape does not take rows as long as asked for.</exception>
    public static IReadOnlyList<BenchGenerateRow> Run(BenchGenerateOptions options, IReadOnlyList<BenchGenerateJob> plan, IRunProgress progress, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(progress);
        foreach (var job in plan) CheckLengths(options, job);
        var rows = new List<BenchGenerateRow>();
        using var stand = new BenchStand(options, cancel);
        using var bar = progress.Start("bench generate", plan.Sum(job => job.Items.Count), "rows");
        foreach (var job in plan)
        {
            using (var model = new BenchModel(job.Shape.Options with { Seed = options.Seed }, Device.CPU))
            {
                foreach (var item in job.Items)
                {
                    rows.Add(Measure(stand, item, job.Shape, model));
                    bar.Advance(1, detail: $"{ScalarValue.Text(item)} {job.Shape.Name}");
                }

                PackedModel.Forget(model.Model);
            }

            torch.empty_cache();
        }

        bar.Finish();
        return [.. rows.OrderBy(row => row.Item)];
    }

    private static BenchGenerateRow Measure(BenchStand stand, BenchGenerateItem item, BenchShape shape, BenchModel bench)
    {
        var (name, model) = (shape.Name, bench.Model);
        switch (item)
        {
            case BenchGenerateItem.Decode:
                return BenchDecoding.Decode(stand, name, (ICausalLanguageModel)model);
            case BenchGenerateItem.DecodeOne:
                return BenchDecoding.DecodeOne(stand, name, (ICausalLanguageModel)model);
            case BenchGenerateItem.Prompt:
                return BenchDecoding.Prompt(stand, name, (ICausalLanguageModel)model);
            case BenchGenerateItem.Int8:
                using (var narrow = BenchDecoding.InInt8(bench.Options, stand.Options.Int8Output))
                {
                    var row = BenchDecoding.Int8(stand, name, (ICausalLanguageModel)model, narrow);
                    PackedModel.Forget(narrow);
                    return row;
                }

            case BenchGenerateItem.Labels:
                return BenchLabelScoring.Measure(stand, name, (ICausalLanguageModel)model);
            case BenchGenerateItem.Prefix:
                return BenchPrefix.Measure(stand, name, (ICausalLanguageModel)model);
            case BenchGenerateItem.Mixed:
                return BenchMixedJob.Measure(stand, name, (ICausalLanguageModel)model);
            case BenchGenerateItem.Beams:
                return BenchBeamSearch.Measure(stand, name, (ISequenceToSequenceModel)model);
            case BenchGenerateItem.Cache:
                return BenchCache.Waste(stand, name, (ICausalLanguageModel)model, shape.Options.Architecture);
            case BenchGenerateItem.Growth:
                return BenchCache.Growth(stand, name, (ICausalLanguageModel)model);
            case BenchGenerateItem.Classify:
                return BenchClassifying.Equal(stand, name, (ISequenceClassifier)model, shape.Options.VocabSize);
            case BenchGenerateItem.Predict:
                return BenchClassifying.Texts(stand, name, (ISequenceClassifier)model, shape.Options.VocabSize);
            default:
                throw new ArgumentOutOfRangeException(nameof(item), item, null);
        }
    }

    // Before anything is measured: the last row's fault is not worth an hour.
    private static void CheckLengths(BenchGenerateOptions options, BenchGenerateJob job)
    {
        var most = job.Shape.Options.Architecture.MaxPositionEmbeddings;
        foreach (var item in job.Items)
        {
            var (tokens, keys) = item switch
            {
                BenchGenerateItem.Decode or BenchGenerateItem.DecodeOne or BenchGenerateItem.Prompt or BenchGenerateItem.Int8 => (options.PromptLength + options.NewTokens, "'prompt_length' or 'new_tokens'"),
                BenchGenerateItem.Labels => (options.LabelPromptLength + BenchLabelScoring.LongestLabel, "'label_prompt_length'"),
                BenchGenerateItem.Prefix => (options.PrefixLength + options.PrefixOwnLength + options.PrefixNewTokens, "'prefix_length', 'prefix_own_length' or 'prefix_new_tokens'"),
                BenchGenerateItem.Mixed => (options.LongestPrompt + options.LongestText, "'longest_prompt' or 'longest_text'"),
                BenchGenerateItem.Cache => (options.LongestPrompt + options.NewTokens, "'longest_prompt' or 'new_tokens'"),
                BenchGenerateItem.Beams => (Math.Max(options.SourceLength, options.TargetLength + 1), "'source_length' or 'target_length'"),
                BenchGenerateItem.Classify => (options.ClassifyLength, "'classify_length'"),
                _ => (0, ""),
            };
            if (tokens > most) throw new InvalidDataException($"{ScalarValue.Text(item)} would have rows of {tokens} tokens, and {job.Shape.Name} takes {most}. Lower {keys}.");
        }
    }
}
