using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>Rows through a classifier.</summary>
internal static class BenchClassifying
{
    private const double Goal = 0.75;

    // Passes of a round; one is too short to be timed beside others on the machine.
    private const int Passes = 3;

    // Texts of this many words, drawn from so many.
    private const int ShortestText = 4;
    private const int LongestText = 16;
    private const int Words = 3000;

    /// <summary><see cref="BenchGenerateItem.Classify"/>: the packed classifier in bfloat16, as <see cref="Predict"/> and the evaluation of a run use it.</summary>
    internal static BenchGenerateRow Equal(BenchStand stand, string shape, ISequenceClassifier model, int vocabulary)
    {
        var options = stand.Options;
        var rounds = stand.Rounds(options.Repeats, true, round =>
        {
            using var gradients = torch.no_grad();
            using var narrow = torch.autocast(ScalarType.BFloat16);
            using var engine = new InferenceEngine(model);
            var random = stand.Random.Fork("classify", round);
            ClassificationRequest[] rows = [.. Enumerable.Range(0, options.ClassifyRows).Select(_ => new ClassificationRequest(BenchStand.Tokens(options.ClassifyLength, vocabulary, random)))];
            var seconds = BenchStand.Seconds(() =>
            {
                for (var pass = 0; pass < Passes; pass++) _ = engine.Run(rows).Count();
            });
            return new Dictionary<string, double> { [BenchStand.Rate] = Passes * options.ClassifyRows / seconds };
        });
        var share = BenchDecoding.GemmShare(rounds, Operations(model, options.ClassifyLength));
        return new BenchGenerateRow(
            BenchGenerateItem.Classify, shape, $"{options.ClassifyRows} rows of {options.ClassifyLength} tokens",
            BenchDecoding.Rate(rounds), "rows/s", share, null, PublishedRates.Of(BenchGenerateItem.Classify, shape, options, rounds), new BenchGoal("of the product's rate", share, Goal), rounds);
    }

    /// <summary><see cref="BenchGenerateItem.Predict"/>: what <see cref="Predict"/> does with rows, in its batches and its precision, reading and writing of files left out.</summary>
    internal static BenchGenerateRow Texts(BenchStand stand, string shape, ISequenceClassifier model, int vocabulary)
    {
        var options = stand.Options;
        var texts = Texts(options.PredictTexts, stand.Random.Fork("texts"));
        var tokenizer = WordPieceTrainer.Train(texts.Take(Words).Select(text => text.Text), new WordPieceTrainerOptions { VocabularySize = Math.Min(vocabulary, Words) }, stand.Cancel);
        var encoder = new ClassifierRows(tokenizer, model, null);
        var rounds = stand.Rounds(options.JobRepeats, false, _ =>
        {
            IReadOnlyList<ClassifierRow> rows = [];
            var tokenizing = BenchStand.Seconds(() => rows = encoder.Encode(texts));
            var computing = BenchStand.Seconds(() => encoder.Predict(rows, new EvaluationOptions().BatchSize, PrecisionMode.Fp32, Device.CPU, stand.Cancel));
            return new Dictionary<string, double>
            {
                [BenchStand.Rate] = texts.Count / (tokenizing + computing), ["tokenizing"] = tokenizing / (tokenizing + computing), ["computing"] = computing / (tokenizing + computing),
                ["operations"] = rows.Average(row => Operations(model, row.Ids.Length)),
            };
        });
        return new BenchGenerateRow(
            BenchGenerateItem.Predict, shape, FormattableString.Invariant($"{texts.Count:N0} texts of {ShortestText} to {LongestText} words through tokenizer and classifier, as predict does it, in fp32"),
            BenchDecoding.Rate(rounds), "rows/s", BenchDecoding.GemmShare(rounds, Bench.Median(rounds.Select(round => round.Figures["operations"]))), null, null, null, rounds);
    }

    /// <summary>The layers' matrices for every token; pooler and output once for a row.</summary>
    private static double Operations(IPretrainedModel model, int tokens) =>
        2.0 * model.Linears.Sum(layer => layer.Weight.InFeatures * layer.Weight.OutFeatures * (layer.Name.Contains(".layer.", StringComparison.Ordinal) ? tokens : 1));

    private static List<Example> Texts(int count, SeededRandom random)
    {
        string[] syllables = ["ba", "co", "di", "fe", "gu", "ka", "lo", "mi", "ne", "pu", "ra", "so", "ti", "ve", "wu"];
        var words = Enumerable.Range(0, Words).Select(_ => string.Concat(Enumerable.Range(0, 1 + random.NextInt(4)).Select(_ => syllables[random.NextInt(syllables.Length)]))).ToArray();
        return
        [
            .. Enumerable.Range(0, count).Select(row => new Example
            {
                Id = row.ToString(System.Globalization.CultureInfo.InvariantCulture),
                Text = string.Join(' ', Enumerable.Range(0, ShortestText + random.NextInt(LongestText - ShortestText + 1)).Select(_ => words[random.NextInt(Words)])),
            }),
        ];
    }
}
