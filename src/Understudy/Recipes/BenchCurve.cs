using Understudy.Data;
using Understudy.Models;
using Understudy.Runs;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>The losses of two trainings that differ in their arithmetic alone.</summary>
/// <param name="Options">What was trained, and how.</param>
/// <param name="Parameters">Weights of the model.</param>
/// <param name="Fp32">The loss of every step in float32, in nats per token.</param>
/// <param name="Bf16">The loss of every step in bfloat16 with weights and optimiser in float32.</param>
/// <param name="LargestDifference">The largest difference of the smoothed curves, over the smoothed loss in float32.</param>
/// <param name="LargestAt">The step where it is, from 1.</param>
/// <param name="LastDifference">The difference at the last step, likewise smoothed and relative, with its sign: below 0 where bfloat16 has the lower loss.</param>
public sealed record BenchCurveResult(BenchCurveOptions Options, long Parameters, IReadOnlyList<double> Fp32, IReadOnlyList<double> Bf16, double LargestDifference, int LargestAt, double LastDifference);

/// <summary>Trains the same model on the same text in the same order in float32 and in bfloat16: what the faster arithmetic changes of the loss.</summary>
public static class BenchCurve
{
    // Text that a vocabulary is learnt from and rows are cut from: a token of it has rarely more characters.
    private const int CharactersPerToken = 8;

    /// <summary>Trains in both precisions, one after the other.</summary>
    /// <param name="text">UTF-8 text files, one document a line, gzip allowed; of a folder, its <c>.txt</c> and <c>.txt.gz</c> files.</param>
    /// <param name="options">How.</param>
    /// <param name="device">Where.</param>
    /// <param name="progress">Told of every step.</param>
    /// <param name="cancel">Asked before every step.</param>
    /// <exception cref="InvalidDataException">There is too little text, or none.</exception>
    public static BenchCurveResult Run(IReadOnlyList<string> text, BenchCurveOptions options, Device device, IRunProgress progress, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(options);
        var rows = Rows(text, options, progress, cancel);
        var (parameters, fp32) = Train(rows, options, PrecisionMode.Fp32, device, progress, cancel);
        var (_, bf16) = Train(rows, options, PrecisionMode.Bf16, device, progress, cancel);
        return Compare(options, parameters, fp32, bf16);
    }

    /// <summary>Compares two curves of as many steps.</summary>
    internal static BenchCurveResult Compare(BenchCurveOptions options, long parameters, IReadOnlyList<double> fp32, IReadOnlyList<double> bf16)
    {
        var differences = Differences(fp32, bf16, options.Smoothing);
        var largest = Enumerable.Range(0, differences.Count).MaxBy(step => Math.Abs(differences[step]));
        return new BenchCurveResult(options, parameters, fp32, bf16, Math.Abs(differences[largest]), largest + 1, differences[^1]);
    }

    /// <summary>At every step, the difference of the smoothed curves over the smoothed float32 one.</summary>
    internal static IReadOnlyList<double> Differences(IReadOnlyList<double> fp32, IReadOnlyList<double> bf16, int smoothing)
    {
        var (wide, narrow) = (Smoothed(fp32, smoothing), Smoothed(bf16, smoothing));
        return [.. wide.Zip(narrow, (a, b) => (b - a) / a)];
    }

    /// <summary>The mean of up to <paramref name="smoothing"/> steps that end with each.</summary>
    internal static IReadOnlyList<double> Smoothed(IReadOnlyList<double> losses, int smoothing) =>
        [.. losses.Select((_, step) => losses.Skip(Math.Max(0, step + 1 - smoothing)).Take(Math.Min(smoothing, step + 1)).Average())];

    private static (long Parameters, double[] Losses) Train(PackedTokens rows, BenchCurveOptions options, PrecisionMode precision, Device device, IRunProgress progress, CancellationToken cancel)
    {
        var training = options.Training(precision);
        using var bench = new BenchModel(new BenchOptions { Architecture = options.Architecture, VocabSize = options.VocabSize, BatchSize = options.BatchSize, RowLength = options.RowLength, Seed = options.Seed }, device);
        var model = (ICausalLanguageModel)bench.Model;
        var plan = new BatchPlan([.. Enumerable.Repeat(rows.RowLength, rows.Rows)], training, options.Seed);
        using var session = new TrainingSession(model, training, options.Steps, options.Seed, folder: null);
        using var bar = progress.Start($"train in {ScalarValue.Text(precision)}", options.Steps, "steps");
        using var steps = new DataLoader<StepBatches<TokenLayout>>(plan.StepsFrom(session.Progress).Select(rows.Step));
        var losses = new List<double>();
        while (!session.Finished)
        {
            cancel.ThrowIfCancellationRequested();
            var step = steps.Next();
            using var scope = torch.NewDisposeScope();
            session.BeginStep();
            var ids = step.Batches[0].To(device).Ids;   // [rows, tokens]
            Tensor loss;
            using (session.Autocast())
            {
                loss = Losses.NextToken(model.Prelogits(model.Hidden(ids)), ids, step.Weight);
            }

            loss.backward();
            losses.Add(loss.item<double>());
            session.EndStep(losses[^1], step.Tokens, step.StepsInEpoch);
            bar.Advance(1, losses[^1]);
        }

        bar.Finish();
        return (BenchWork.Of(model, model.Parameters).Parameters, [.. losses]);
    }

    private static PackedTokens Rows(IReadOnlyList<string> text, BenchCurveOptions options, IRunProgress progress, CancellationToken cancel)
    {
        var needed = (long)options.Steps * options.BatchSize * options.RowLength;
        var files = text.SelectMany(Files).ToList();
        var documents = new List<string>();
        foreach (var file in files)
        {
            var characters = 0L;
            documents.AddRange(TextLines.Read(file).TakeWhile(line => (characters += line.Length) <= needed * CharactersPerToken));
        }

        var random = new SeededRandom(options.Seed).Fork("documents");
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(documents));
        using var bar = progress.Start("learn tokenizer, tokenize", null, "tokens");
        var read = 0L;
        var tokenizer = BpeTrainer.Train(documents.TakeWhile(line => (read += line.Length) <= needed * CharactersPerToken), new BpeTrainerOptions
        {
            VocabularySize = options.VocabSize, MinFrequency = 2, SpecialTokens = [new AddedToken { Content = Tokenizers.EndOfText, Special = true }],
        }, cancel);
        var end = tokenizer.TokenToId(Tokenizers.EndOfText)!.Value;
        var ids = new List<int>();
        foreach (var document in documents)
        {
            cancel.ThrowIfCancellationRequested();
            tokenizer.EncodeIds(document, ids, addSpecialTokens: false);
            ids.Add(end);
            if (ids.Count >= needed) break;
        }

        bar.Finish($"{ids.Count:N0} tokens");
        return ids.Count >= needed
            ? new PackedTokens([.. ids.Take((int)needed)], options.RowLength)
            : throw new InvalidDataException($"{string.Join(", ", text)}: {options.Steps:N0} steps of {options.BatchSize} x {options.RowLength} take {needed:N0} tokens of text, found {ids.Count:N0}. Give more text, or set fewer 'steps'.");
    }

    private static IEnumerable<string> Files(string path)
    {
        if (!Directory.Exists(path)) return [path];
        var files = Directory.EnumerateFiles(path).Where(file => file.EndsWith(".txt", StringComparison.Ordinal) || file.EndsWith(".txt.gz", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        return files.Count > 0 ? files : throw new InvalidDataException($"{path}: the folder has no .txt and no .txt.gz file.");
    }
}
