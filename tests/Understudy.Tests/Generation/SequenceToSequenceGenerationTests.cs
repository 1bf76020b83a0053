using Understudy.Generation;
using Understudy.Models;
using Understudy.Tests.Models;
using Understudy.Torch;

namespace Understudy.Tests.Generation;

[Collection(LiveTensors.Name)]
public sealed class SequenceToSequenceGenerationTests : IDisposable
{
    private static readonly int[][] Sources = [[7, 9, 3], [4], [11, 12, 5, 6, 8, 13, 3], [20, 21, 3], [6, 6, 6, 3]];

    private readonly ISequenceToSequenceModel model = TinySequenceToSequence.New("bart");

    public void Dispose() => model.Dispose();

    [Fact]
    public void Targets_are_those_of_decoding_without_a_cache()
    {
        var texts = new TextGenerator(model, [], doSample: false, new StopCondition([3], [], 10, _ => "")).Generate([.. Sources.Select(source => new GenerationPrompt(source))], batchSize: 3);
        foreach (var text in texts)
        {
            var row = new List<int> { model.DecoderStartTokenId };
            while (row.Count <= 10 && row[^1] != 3) row.Add(Next(Sources[text.Prompt], row));
            Assert.Equal(row.Skip(1), text.Tokens);
        }
    }

    [Fact]
    public void A_sampled_target_depends_on_its_source_and_seed_alone()
    {
        var generator = new TextGenerator(model, [new TemperatureLogitsWarper(2)], doSample: true, new StopCondition([3], [], 10, _ => ""));
        List<GenerationPrompt> prompts = [.. Sources.Select((source, i) => new GenerationPrompt(source, i, Samples: 3))];
        var together = generator.Generate(prompts, batchSize: 9).ToDictionary(text => (text.Prompt, text.Sample), text => text.Tokens.ToArray());
        Assert.Equal(15, together.Count);
        for (var i = 0; i < prompts.Count; i++)
        {
            foreach (var alone in generator.Generate([prompts[i]])) Assert.Equal(together[(i, alone.Sample)], alone.Tokens);
        }

        Assert.True(together.Values.Select(tokens => string.Join(' ', tokens)).Distinct().Count() > 8);
    }

    [Fact]
    public void The_first_and_the_last_token_can_be_forced()
    {
        var options = new SamplingOptions { DoSample = false, MaxNewTokens = 5 };
        var processors = LogitsProcessors.From(options, [], [3], minNewTokens: 5, forcedBosTokenId: 17, forcedEosTokenIds: [3]);
        var texts = new TextGenerator(model, processors, doSample: false, new StopCondition([3], [], 5, _ => "")).Generate([.. Sources.Select(source => new GenerationPrompt(source))]).ToList();
        Assert.All(texts, text => Assert.Equal((17, 3, 5), (text.Tokens[0], text.Tokens[^1], text.Tokens.Count)));
        Assert.All(texts, text => Assert.DoesNotContain(3, text.Tokens.SkipLast(1)));
    }

    [Fact]
    public void No_tensor_outlives_a_generation() => Assert.Equal(0, LiveTensors.Left(() =>
    {
        var generator = new TextGenerator(model, [], doSample: true, new StopCondition([3], [], 12, _ => ""));
        List<GenerationPrompt> prompts = [.. Sources.Select((source, i) => new GenerationPrompt(source, i, Samples: 1 + (i % 2)))];
        Assert.Equal(7, generator.Generate(prompts, batchSize: 4).Count());
        Assert.NotNull(generator.Generate(prompts, batchSize: 4).First());
    }));

    [Fact]
    public void A_target_can_begin_with_another_token()
    {
        var stop = new StopCondition([], [], 4, _ => "");
        var usual = new TextGenerator(model, [], false, stop).Generate([new GenerationPrompt(Sources[2])]).Single();
        var other = new TextGenerator(model, [], false, stop, decoderStartTokenId: 19).Generate([new GenerationPrompt(Sources[2])]).Single();
        Assert.NotEqual(usual.Tokens, other.Tokens);
    }

    [Theory]
    [InlineData(0, "Source 0 has no tokens. Let the tokenizer add its end-of-text token.")]
    [InlineData(41, "Source 0 has 41 tokens, the model takes at most 40. Shorten it.")]
    [InlineData(-1, "Source 0 holds the token 29, the model knows 29. Does the tokenizer belong to the model?")]
    public void A_source_that_does_not_fit_is_refused(int length, string message)
    {
        int[] source = length < 0 ? [29] : new int[length];
        var generator = new TextGenerator(model, [], false, new StopCondition([], [], 4, _ => ""));
        var error = Assert.Throws<ArgumentException>(() => generator.Generate([new GenerationPrompt(source)]).Count());
        Assert.Equal(message, error.Message);
    }

    private int Next(int[] source, List<int> row)
    {
        using var gradients = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var encoded = model.Encode(torch.tensor(source.Select(token => (long)token).ToArray(), 1, source.Length));
        var ids = torch.tensor(row.Select(token => (long)token).ToArray(), 1, row.Count);
        return (int)model.Logits(model.Decode(ids, encoded).narrow(1, row.Count - 1, 1)).argmax(-1).item<long>();
    }
}
