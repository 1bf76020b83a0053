using Understudy.Generation;
using Understudy.Models;

namespace Understudy.Tests.Generation;

[Collection(LiveTensors.Name)]
public sealed class GenerationLiveTensorTests : IDisposable
{
    private readonly GptNeoxForCausalLM model = TinyModel.New();

    public void Dispose() => model.Dispose();

    [Fact]
    public void No_tensor_outlives_a_generation_also_one_that_is_abandoned_or_cancelled()
    {
        List<GenerationPrompt> prompts = [.. Enumerable.Range(1, 10).Select(i => new GenerationPrompt([.. Enumerable.Range(i, i)], i, Samples: 1 + (i % 2)))];
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            var generator = new TextGenerator(model, [], doSample: true, new StopCondition([0], [], 12, _ => ""));
            Assert.Equal(15, generator.Generate(prompts, batchSize: 6).Count());
            Assert.NotNull(generator.Generate(prompts, batchSize: 6).First());
            Assert.Throws<OperationCanceledException>(() => generator.Generate(prompts, 6, cancelled.Token).Count());
        }));
    }

    [Fact]
    public void No_tensor_outlives_a_score_also_when_the_rest_is_not_asked_for()
    {
        int[][] prompts = [.. Enumerable.Range(1, 10).Select(i => Enumerable.Range(i, i).ToArray())];
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            var scorer = new LabelScorer(model, [[4, 5, 6, 0], [4, 5, 0], [7, 0], [8]]);
            scorer.Calibrate([[1], [2]]);
            Assert.Equal(10, scorer.Score(prompts, batchSize: 3).Count());
            Assert.NotNull(scorer.Score(prompts, batchSize: 3).First());
        }));
    }
}
