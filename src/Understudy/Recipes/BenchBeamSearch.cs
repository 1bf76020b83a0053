using Understudy.Generation;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>Beam search over an encoder-decoder's targets. No token ends a target, so that all have the same length.</summary>
internal static class BenchBeamSearch
{
    private const double Goal = 1.5;

    /// <summary><see cref="BenchGenerateItem.Beams"/>.</summary>
    internal static BenchGenerateRow Measure(BenchStand stand, string shape, ISequenceToSequenceModel model)
    {
        var options = stand.Options;
        var work = BenchInferenceWork.Of(model);
        var search = new BeamSearchOptions { NumBeams = options.Beams };
        var rounds = stand.Rounds(options.Repeats, true, round =>
        {
            var random = stand.Random.Fork("beams", round);
            List<int[]> sources = [.. Enumerable.Range(0, options.BeamRows).Select(_ => BenchStand.Tokens(options.SourceLength, model.VocabularySize, random))];
            using var narrow = torch.autocast(ScalarType.BFloat16);
            var beams = new BeamSearch(model, [], search, new StopCondition([], [], options.TargetLength, _ => ""));
            var seconds = BenchStand.Seconds(() => _ = beams.Generate(sources, options.BeamRows * options.Beams, stand.Cancel).Count());
            return new Dictionary<string, double> { [BenchStand.Rate] = options.BeamRows / seconds, ["new tokens/s"] = options.BeamRows * options.TargetLength / seconds };
        });
        var other = PublishedRates.Of(BenchGenerateItem.Beams, shape, options, rounds);
        double tokens = (double)options.Beams * options.TargetLength;
        return new BenchGenerateRow(
            BenchGenerateItem.Beams, shape, $"{options.BeamRows} sources of {options.SourceLength} tokens at once, {options.Beams} beams, {options.TargetLength} new tokens",
            BenchDecoding.Rate(rounds), "rows/s", BenchDecoding.GemmShare(rounds, (work.PerSourceToken * options.SourceLength) + work.Operations(tokens, tokens)), null, other,
            other is null ? null : new BenchGoal("x the best other engine, scaled", other.Ratio, Goal), rounds);
    }
}
