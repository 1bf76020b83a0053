using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;

namespace Understudy.Tests.Generation;

public sealed class EncoderDecoderEngineTests
{
    [Theory]
    [InlineData("bart")]
    [InlineData("t5")]
    public void Targets_are_the_same_alone_and_in_any_mix_with_little_memory(string name)
    {
        using var model = AutoModel.LoadSequenceToSequenceModel(Path.Combine(ModelFixtures.Root, name));
        var packed = PackedModel.Of(model)!;
        var requests = Requests(model, 14);
        var alone = requests.Select(request => Run(model, [request], new EngineOptions())).ToList();
        var preempted = 0L;
        for (var mix = 0; mix < 30; mix++)
        {
            var random = new SeededRandom(mix);
            var order = random.Permutation(requests.Count).Take(1 + random.NextInt(requests.Count)).ToArray();
            var options = new EngineOptions
            {
                MaxRows = 1 + random.NextInt(10),
                PromptTokensPerStep = 16 + random.NextInt(60),
                CacheBytes = Math.Max(packed.Pages.PageBytes * 3, packed.SourcePages!.PageBytes * (2 + random.NextInt(4))),
                PrefixCacheBytes = 0,
                QueueLimit = 1 + random.NextInt(9),
            };
            using var engine = new InferenceEngine(model, options);
            var found = engine.Run(order.Select(index => requests[index]), inOrder: true).Cast<GenerationResult>().ToList();
            for (var i = 0; i < order.Length; i++)
                Assert.Equal(alone[order[i]], found.Where(result => result.Request == i).Select(result => (result.Sample, string.Join(' ', result.Tokens), result.Reason)));
            preempted += engine.Statistics.Preemptions;
            Assert.Equal((0, 0), (packed.Pages.Taken, packed.SourcePages!.Taken));
        }

        Assert.True(preempted > 0);
    }

    private static List<GenerationRequest> Requests(ISequenceToSequenceModel model, int count)
    {
        var random = new SeededRandom(9);
        return
        [
            .. Enumerable.Range(0, count).Select(i =>
            {
                int[] source = [.. Enumerable.Range(0, 1 + random.NextInt(28)).Select(_ => 4 + random.NextInt(model.VocabularySize - 4))];
                var sampled = random.NextInt(2) == 0;
                var stop = new StopCondition(model.EosTokenIds, [], 2 + random.NextInt(24), _ => "");
                return new GenerationRequest(source, new GenerationSettings(sampled ? [new TemperatureLogitsWarper(2)] : [], sampled, stop)) { Seed = i, Samples = sampled ? 1 + random.NextInt(3) : 1 };
            }),
        ];
    }

    private static List<(int Sample, string Tokens, FinishReason Reason)> Run(ISequenceToSequenceModel model, IReadOnlyList<EngineRequest> requests, EngineOptions options)
    {
        using var engine = new InferenceEngine(model, options);
        return [.. engine.Run(requests, inOrder: true).Cast<GenerationResult>().Select(result => (result.Sample, string.Join(' ', result.Tokens), result.Reason))];
    }
}
