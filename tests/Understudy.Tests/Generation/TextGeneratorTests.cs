using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Generation;

public sealed class TextGeneratorTests : IDisposable
{
    private readonly GptNeoxForCausalLM model = TinyModel.New();

    public void Dispose() => model.Dispose();

    [Fact]
    public void Greedy_tokens_are_those_of_a_model_without_cache_batch_and_padding()
    {
        var prompts = Prompts(7, seed: 3);
        // A token that the first row comes to ends rows early, so that they leave the batch at different times.
        var stop = Plain([.. prompts[0].Tokens], 12, stopToken: -1)[4];
        var generator = new TextGenerator(model, [], doSample: false, new StopCondition([stop], [], 12, Decode));
        var texts = InOrder(generator.Generate(prompts, batchSize: 4));
        for (var i = 0; i < prompts.Count; i++) Assert.Equal(Plain([.. prompts[i].Tokens], 12, stop), texts[i].Tokens);
        Assert.True(texts.Select(text => text.Tokens.Count).Distinct().Count() > 1);
    }

    [Fact]
    public void A_text_depends_on_its_prompt_and_seed_alone()
    {
        var prompts = Prompts(12, seed: 5);
        var together = InOrder(Generator().Generate(prompts, batchSize: 12));
        var small = InOrder(Generator().Generate(prompts, batchSize: 5));
        var reversed = Generator().Generate([.. Enumerable.Reverse(prompts)], batchSize: 12).OrderByDescending(text => text.Prompt).ToList();
        for (var i = 0; i < prompts.Count; i++)
        {
            var alone = Assert.Single(Generator().Generate([prompts[i]]));
            Assert.Equal(alone.Tokens, together[i].Tokens);
            Assert.Equal(alone.Tokens, small[i].Tokens);
            Assert.Equal(alone.Tokens, reversed[i].Tokens);
        }

        Assert.NotEqual(together[0].Tokens, Assert.Single(Generator().Generate([prompts[0] with { Seed = 99 }])).Tokens);
    }

    [Fact]
    public void Samples_of_a_prompt_differ_and_do_not_depend_on_how_many_there_are()
    {
        var prompt = new GenerationPrompt([5, 9, 2, 17], Seed: 8, Samples: 6);
        var other = new GenerationPrompt([3, 1], Seed: 9, Samples: 2);
        var six = Generator().Generate([prompt, other], batchSize: 3).Where(text => text.Prompt == 0).ToList();
        Assert.Equal([0, 1, 2, 3, 4, 5], six.Select(text => text.Sample).Order());
        Assert.True(six.Select(text => text.Text).Distinct().Count() > 3);
        foreach (var text in Generator().Generate([prompt with { Samples = 2 }])) Assert.Equal(six.Single(s => s.Sample == text.Sample).Tokens, text.Tokens);
    }

    [Fact]
    public void A_beginning_that_all_prompts_share_is_computed_once_and_changes_nothing()
    {
        var shared = Enumerable.Range(1, 20).ToArray();
        List<GenerationPrompt> prompts = [new([.. shared, 7], 1), new([.. shared, 9, 33, 4], 2, Samples: 3), new([.. shared, 7, 5], 3)];
        var texts = Generator(doSample: false).Generate(prompts).Where(text => text.Sample == 0).OrderBy(text => text.Prompt).ToList();
        for (var i = 0; i < prompts.Count; i++) Assert.Equal(Plain([.. prompts[i].Tokens], 16, stopToken: 0), texts[i].Tokens);
    }

    [Fact]
    public void Rows_end_at_stop_tokens_stop_strings_and_the_end_of_the_model()
    {
        using var small = TinyModel.New(maxLength: 24);
        var stop = new StopCondition([0], ["7."], 16, Decode);
        var prompts = Enumerable.Range(0, 40).Select(i => new GenerationPrompt([.. Enumerable.Range(0, 1 + (i % 22)).Select(t => ((t * 7) + i) % 61)], i)).ToList();
        var texts = new TextGenerator(small, [], doSample: true, stop).Generate(prompts, batchSize: 16).ToList();
        Assert.Equal(40, texts.Count);
        Assert.Equal(3, texts.Select(text => text.Reason).Distinct().Count());
        foreach (var text in texts)
        {
            var room = Math.Min(16, 24 - prompts[text.Prompt].Tokens.Count);
            Assert.InRange(text.Tokens.Count, 1, room);
            Assert.DoesNotContain("7.", text.Text);
            Assert.Equal(text.Reason == FinishReason.StopToken, text.Tokens[^1] == 0);
            if (text.Reason == FinishReason.Length) Assert.Equal(room, text.Tokens.Count);
        }
    }

    [Fact]
    public void Processors_see_the_row_without_padding()
    {
        // Greedy with a repetition penalty: padding in the history would punish token 0.
        var processors = new ILogitsProcessor[] { new RepetitionPenaltyLogitsProcessor(1.5), new NoRepeatNGramLogitsProcessor(2) };
        var generator = new TextGenerator(model, processors, doSample: false, new StopCondition([], [], 10, Decode));
        var prompts = Prompts(6, seed: 21);
        var together = InOrder(generator.Generate(prompts));
        for (var i = 0; i < prompts.Count; i++) Assert.Equal(Assert.Single(generator.Generate([prompts[i]])).Tokens, together[i].Tokens);
    }

    [Fact]
    public void Refuses_prompts_the_model_cannot_take()
    {
        Assert.Equal("Prompt 1 has no tokens. Begin it with the model's begin-of-text token.", Refusal(new([1]), new([])));
        Assert.Equal("Prompt 0 has 64 tokens, the model takes at most 64 with what follows. Shorten it.", Refusal(new GenerationPrompt(new int[64])));
        Assert.Equal("Prompt 0 holds the token 61, the model knows 61. Does the tokenizer belong to the model?", Refusal(new GenerationPrompt([61])));
        Assert.Equal("Expected at least 1 sample of a prompt, found 0. (Parameter 'prompts')", Refusal(new GenerationPrompt([1], 0, 0)));
        Assert.Empty(Generator().Generate([]));

        string Refusal(params GenerationPrompt[] prompts) => Assert.Throws<ArgumentException>(() => Generator().Generate(prompts).Count()).Message;
    }

    private static string Decode(ReadOnlySpan<int> ids) => string.Concat(ids.ToArray().Select(id => $"{id}."));

    private static List<GeneratedText> InOrder(IEnumerable<GeneratedText> texts) => [.. texts.OrderBy(text => text.Prompt)];

    private static List<GenerationPrompt> Prompts(int count, int seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(i => new GenerationPrompt([.. Enumerable.Range(0, 1 + random.NextInt(9)).Select(_ => random.NextInt(TinyModel.Vocabulary))], i))];
    }

    private TextGenerator Generator(bool doSample = true) => new(model, [], doSample, new StopCondition([0], [], 16, Decode));

    /// <summary>The most probable token again and again, everything computed anew each time.</summary>
    private List<int> Plain(List<int> row, int maxNewTokens, int stopToken)
    {
        using var noGrad = torch.no_grad();
        var generated = new List<int>();
        while (generated.Count < maxNewTokens && (generated.Count == 0 || generated[^1] != stopToken))
        {
            using var scope = torch.NewDisposeScope();
            var ids = torch.tensor(row.Select(token => (long)token).ToArray(), 1, row.Count);
            var next = (int)model.Logits(model.Hidden(ids)).select(1, row.Count - 1).argmax(-1).item<long>();
            row.Add(next);
            generated.Add(next);
        }

        return generated;
    }
}
