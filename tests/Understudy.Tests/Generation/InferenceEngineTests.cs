using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Generation;

public sealed class InferenceEngineTests : IDisposable
{
    private static readonly CandidateLabels Labels = new([[3, 9, 0], [3, 9, 4, 0], [3, 7, 0], [5, 0], [11, 12, 13, 14, 0]]);

    private readonly GptNeoxForCausalLM model = TinyModel.New(maxLength: 160);

    public void Dispose() => model.Dispose();

    [Fact]
    public void Results_are_the_same_to_the_last_bit_alone_and_in_500_random_mixes()
    {
        var requests = Requests(48);
        var alone = requests.Select(request => Results([request], new EngineOptions { PrefixCacheBytes = 0 })).ToArray();
        var (preempted, shared) = (0L, 0L);
        for (var mix = 0; mix < 500; mix++)
        {
            var random = new SeededRandom(1000 + mix);
            var order = Enumerable.Range(0, requests.Count).ToArray();
            random.Shuffle(order.AsSpan());
            var chosen = order.Take(1 + random.NextInt(16)).ToArray();
            var page = PackedModel.Of(model)!.Pages.PageBytes;
            var options = new EngineOptions
            {
                MaxRows = 1 + random.NextInt(12),
                PromptTokensPerStep = 16 + random.NextInt(80),
                CacheBytes = random.NextInt(2) == 0 ? null : page * (10 + random.NextInt(12)),
                PrefixCacheBytes = random.NextInt(3) == 0 ? 0 : page * random.NextInt(40),
                QueueLimit = 1 + random.NextInt(20),
            };
            using var engine = new InferenceEngine(model, options);
            var found = engine.Run(chosen.Select(index => requests[index]), inOrder: random.NextInt(2) == 0).ToList();
            for (var i = 0; i < chosen.Length; i++)
                AssertSame(alone[chosen[i]], [.. found.Where(result => result.Request == i).OrderBy(result => (result as GenerationResult)?.Sample)]);
            preempted += engine.Statistics.Preemptions;
            shared += engine.Statistics.PrefixTokens;
        }

        // The mixes must have met what could go wrong.
        Assert.True(preempted > 0);
        Assert.True(shared > 0);
    }

    [Fact]
    public void Results_do_not_depend_on_the_mix_in_bfloat16_either()
    {
        using var autocast = torch.autocast(ScalarType.BFloat16);
        var requests = Requests(30);
        var together = Results(requests, new EngineOptions());
        for (var i = 0; i < requests.Count; i++)
            AssertSame(Results([requests[i]], new EngineOptions { PrefixCacheBytes = 0 }), [.. together.Where(result => result.Request == i).OrderBy(result => (result as GenerationResult)?.Sample)]);
    }

    [Fact]
    public void What_prompts_begin_with_is_computed_once_also_by_rows_of_the_same_step()
    {
        var shared = Enumerable.Range(0, 80).Select(i => (i * 7) % TinyModel.Vocabulary).ToArray();
        var requests = Enumerable.Range(0, 20).Select(i => new GenerationRequest([.. shared, 1 + i], Settings(4, sample: false))).ToList();
        using var engine = new InferenceEngine(model, new EngineOptions { MaxRows = 20 });
        Assert.Equal(20, engine.Run(requests).Count());
        Assert.Equal(20 * 81, engine.Statistics.PromptTokens);
        Assert.Equal(19 * 80, engine.Statistics.PrefixTokens);
        Assert.Equal(19.0 * 80 / (20 * 81), engine.Statistics.PrefixHitRate, 12);
        // The next call of the same model finds them too.
        using var later = new InferenceEngine(model);
        _ = later.Run(requests.Take(1)).Count();
        Assert.Equal(80, later.Statistics.PrefixTokens);
    }

    [Fact]
    public void A_row_that_has_ended_is_replaced_at_once()
    {
        // 4 rows at a time, one of them long: the others pass through beside it.
        var requests = Enumerable.Range(0, 13).Select(i => new GenerationRequest([1 + i], Settings(i == 0 ? 61 : 15, sample: false))).ToList();
        using var engine = new InferenceEngine(model, new EngineOptions { MaxRows = 4 });
        var results = engine.Run(requests).ToList();
        Assert.Equal(0, results[^1].Request);
        Assert.Equal(61, engine.Statistics.Steps);
        Assert.Equal(61 + (12 * 15), engine.Statistics.NewTokens);
    }

    [Fact]
    public void Results_come_in_the_order_of_the_requests_when_asked_for()
    {
        var requests = Enumerable.Range(0, 12).Select(i => new GenerationRequest([1 + i], Settings(20 - i, sample: true)) { Samples = 1 + (i % 3) }).ToList();
        using var engine = new InferenceEngine(model, new EngineOptions { MaxRows = 5, QueueLimit = 2 });
        var results = engine.Run(requests, inOrder: true).Cast<GenerationResult>().Select(result => (result.Request, result.Sample)).ToList();
        Assert.Equal(requests.SelectMany((request, i) => Enumerable.Range(0, request.Samples).Select(sample => ((long)i, sample))), results);
    }

    [Fact]
    public void No_more_requests_are_read_than_may_wait()
    {
        var read = 0;
        IEnumerable<EngineRequest> Endless()
        {
            while (true)
            {
                read++;
                yield return new GenerationRequest([1 + (read % 50)], Settings(3 + (read % 5), sample: false));
            }
        }

        using var engine = new InferenceEngine(model, new EngineOptions { MaxRows = 4, QueueLimit = 7 });
        var taken = engine.Run(Endless()).Take(100).Count();
        Assert.Equal(100, taken);
        Assert.InRange(read, 100, 100 + 4 + 7 + 4);
    }

    [Fact]
    public void Memory_of_rows_is_given_back_and_beginnings_keep_within_their_limit()
    {
        var packed = PackedModel.Of(model)!;
        var options = new EngineOptions { PrefixCacheBytes = packed.Pages.PageBytes * 5 };
        _ = Results(Requests(48), options);
        Assert.InRange(packed.Prefixes.Count, 1, 5);
        Assert.Equal(packed.Prefixes.Count, packed.Pages.Taken);
        using (var engine = new InferenceEngine(model, options)) _ = engine.Run(Requests(48)).First();
        Assert.Equal(packed.Prefixes.Count, packed.Pages.Taken);
    }

    [Fact]
    public void Pages_are_wasted_by_less_than_one_a_row()
    {
        using var engine = new InferenceEngine(model, new EngineOptions { MaxRows = 8, PrefixCacheBytes = 0 });
        _ = engine.Run(Enumerable.Range(0, 8).Select(i => new GenerationRequest([.. Enumerable.Range(1, 32)], Settings(65, sample: false)))).Count();
        // 32 + 65 tokens, the last of which is not looked at any more: 6 pages.
        Assert.Equal(8 * 6 * PackedModel.Of(model)!.Pages.PageBytes, engine.Statistics.PeakCacheBytes);
    }

    [Fact]
    public void Refuses_what_it_cannot_compute()
    {
        using var engine = new InferenceEngine(model, new EngineOptions { CacheBytes = PackedModel.Of(model)!.Pages.PageBytes * 2, PrefixCacheBytes = 0 });
        Assert.Equal("Prompt 0 has no tokens. Begin it with the model's begin-of-text token.", Refusal([]));
        Assert.Equal("Prompt 0 holds the token 61, the model knows 61. Does the tokenizer belong to the model?", Refusal([61]));
        Assert.Equal("Prompt 0 needs keys and values of 60 tokens, 49,152 bytes, and the cache takes 24,576. Raise cache_bytes, or shorten the text.", Refusal([.. new int[50]]));
        Assert.Equal(
            "max_rows: expected at least 1, found 0. prompt_tokens_per_step: expected at least 16, found 3. cache_bytes: expected more than 0, found -1. prefix_cache_bytes: expected at least 0, found -2. queue_limit: expected at least 1, found 0. (Parameter 'options')",
            Assert.Throws<ArgumentException>(() => new InferenceEngine(model, new EngineOptions { MaxRows = 0, PromptTokensPerStep = 3, CacheBytes = -1, PrefixCacheBytes = -2, QueueLimit = 0 })).Message);

        string Refusal(int[] prompt) => Assert.Throws<ArgumentException>(() => engine.Run([new GenerationRequest(prompt, Settings(10, sample: false))]).Count()).Message;
    }

    [Fact]
    public void A_constraint_leaves_labels_alone_drawn_as_the_model_has_them()
    {
        const int Samples = 4000;
        int[][] labels = [[5, 6, 7], [5, 8], [9]];
        var constraint = new LabelConstraint(labels);
        using var engine = new InferenceEngine(model);
        var request = new GenerationRequest([1, 2, 3], new GenerationSettings([], true, new StopCondition([], [], 20, Decode))) { Constraint = constraint, Samples = Samples, Seed = 5 };
        var texts = engine.Run([request]).Cast<GenerationResult>().ToList();
        Assert.All(texts, text => Assert.Contains(labels, label => label.SequenceEqual(text.Tokens)));
        Assert.All(texts, text => Assert.Equal(FinishReason.Complete, text.Reason));

        // After the prompt 5 or 9 may follow, and after 5 either 6 or 8: each as probable as the model has it among these.
        var scores = new LabelScorer(model, [[5], [9], [5, 6], [5, 8]]).Score([[1, 2, 3]]).Single().LogProbabilities.Select(Math.Exp).ToArray();
        var five = scores[0] / (scores[0] + scores[1]);
        double[] expected = [five * scores[2] / (scores[2] + scores[3]), five * scores[3] / (scores[2] + scores[3]), 1 - five];
        for (var label = 0; label < labels.Length; label++)
        {
            var share = texts.Count(text => text.Tokens.SequenceEqual(labels[label])) / (double)Samples;
            Assert.InRange(share, expected[label] - 0.03, expected[label] + 0.03);
        }

        var greedy = (GenerationResult)engine.Run([request with { Settings = request.Settings with { DoSample = false }, Samples = 1 }]).Single();
        Assert.Contains(labels, label => label.SequenceEqual(greedy.Tokens));
    }

    [Fact]
    public async Task Many_callers_are_served_and_one_can_take_its_request_back()
    {
        var requests = Requests(24);
        var alone = requests.Select(request => Results([request], new EngineOptions { PrefixCacheBytes = 0 })).ToArray();
        using var engine = new InferenceEngine(model, new EngineOptions { MaxRows = 3, QueueLimit = 5 });
        using var cancel = new CancellationTokenSource();
        using var gate = new ManualResetEventSlim();
        string Held(ReadOnlySpan<int> ids)
        {
            gate.Wait();
            return "";
        }

        var held = engine.SubmitAsync(new GenerationRequest([1], new GenerationSettings([], false, new StopCondition([], ["x"], 150, Held))), cancel.Token);
        var served = requests.Select(request => Task.Run(() => engine.SubmitAsync(request))).ToArray();
        await cancel.CancelAsync();
        gate.Set();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => held);
        await Assert.ThrowsAsync<ArgumentException>(() => engine.SubmitAsync(new GenerationRequest([], Settings(3, sample: false))));
        for (var i = 0; i < requests.Count; i++) AssertSame(alone[i], await served[i]);
        Assert.Throws<InvalidOperationException>(() => engine.Run(requests));
    }

    [Fact]
    public async Task Whoever_waits_is_told_when_the_engine_is_gone()
    {
        var engine = new InferenceEngine(model, new EngineOptions { QueueLimit = 1 });
        var waiting = Enumerable.Range(0, 4).Select(i => engine.SubmitAsync(new GenerationRequest([1 + i], Settings(150, sample: false)))).ToArray();
        engine.Dispose();
        foreach (var task in waiting) Assert.True(await Task.WhenAny(task, Task.Delay(5000)) == task && (task.IsCanceled || task.IsCompletedSuccessfully));
    }

    [Fact]
    public void Logits_that_are_no_numbers_are_a_fault_and_leave_nothing_behind()
    {
        using var broken = TinyModel.New(maxLength: 160);
        using (torch.no_grad()) broken.Linears[0].Bias!.fill_(float.NaN);
        foreach (var request in new EngineRequest[] { new GenerationRequest([1, 2], Settings(3, sample: false)), new GenerationRequest([1, 2], Settings(3, sample: true)), new ScoringRequest([1, 2], Labels) })
        {
            using var engine = new InferenceEngine(broken);
            Assert.Contains("not numbers", Assert.Throws<InvalidDataException>(() => engine.Run([request]).Count()).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(1e-300)]
    [InlineData(1e-38)]
    public void The_coldest_temperatures_draw_the_most_probable_tokens(double temperature)
    {
        var greedy = Results([new GenerationRequest([1, 2, 3], Settings(8, sample: false))], new EngineOptions());
        foreach (var options in new SamplingOptions[] { new(), new() { TopP = 0.9 }, new() { TypicalP = 0.5 } })
        {
            var settings = new GenerationSettings(LogitsProcessors.From(options with { Temperature = temperature }, [], []), DoSample: true, new StopCondition([], [], 8, Decode));
            AssertSame(greedy, Results([new GenerationRequest([1, 2, 3], settings)], new EngineOptions()));
        }
    }

    [Fact]
    public void The_hottest_temperature_draws_all_allowed_tokens_alike()
    {
        var forbidden = Enumerable.Range(2, TinyModel.Vocabulary - 2).Select(token => (IReadOnlyList<int>)[token]).ToList();
        var settings = new GenerationSettings(LogitsProcessors.From(new SamplingOptions { Temperature = 1e300 }, forbidden, []), DoSample: true, new StopCondition([], [], 1, Decode));
        var drawn = Results([new GenerationRequest([1, 2, 3], settings) { Samples = 200 }], new EngineOptions()).Cast<GenerationResult>().GroupBy(text => text.Tokens[0]).ToDictionary(group => group.Key, group => group.Count());
        // Five standard deviations of 200 draws are 35.
        Assert.Equal([0, 1], drawn.Keys.Order());
        Assert.InRange(drawn[0], 65, 135);
    }

    private static GenerationSettings Settings(int most, bool sample) => new(sample ? [new TemperatureLogitsWarper(1.3)] : [], sample, new StopCondition(sample ? [0] : [], [], most, Decode));

    private static string Decode(ReadOnlySpan<int> ids) => string.Concat(ids.ToArray().Select(id => $"{id}."));

    /// <summary>Prompts of 1 to 70 tokens, many with a common beginning, to be continued or scored after.</summary>
    private static List<EngineRequest> Requests(int count)
    {
        var random = new SeededRandom(77);
        int[][] beginnings = [[], Draw(40), Draw(33), Draw(16)];
        return [.. Enumerable.Range(0, count).Select(Request)];

        int[] Draw(int length) => [.. Enumerable.Range(0, length).Select(_ => random.NextInt(TinyModel.Vocabulary))];

        EngineRequest Request(int i)
        {
            int[] prompt = [.. beginnings[random.NextInt(4)], .. Draw(1 + random.NextInt(30))];
            var stop = new StopCondition(random.NextInt(2) == 0 ? [0] : [], random.NextInt(2) == 0 ? ["7."] : [], 1 + random.NextInt(24), Decode);
            return random.NextInt(4) switch
            {
                0 => new ScoringRequest(prompt, Labels),
                1 => new GenerationRequest(prompt, new GenerationSettings([new TemperatureLogitsWarper(1.5), new TopPLogitsWarper(0.9)], true, stop)) { Seed = i, Samples = 1 + random.NextInt(3) },
                2 => new GenerationRequest(prompt, new GenerationSettings([new RepetitionPenaltyLogitsProcessor(1.4)], false, stop)),
                _ => new GenerationRequest(prompt, new GenerationSettings([], false, stop)),
            };
        }
    }

    private List<EngineResult> Results(IReadOnlyList<EngineRequest> requests, EngineOptions options)
    {
        using var engine = new InferenceEngine(model, options);
        return [.. engine.Run(requests, inOrder: true)];
    }

    private static void AssertSame(List<EngineResult> expected, IReadOnlyList<EngineResult> found)
    {
        Assert.Equal(expected.Count, found.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            if (expected[i] is ScoringResult score)
            {
                Assert.Equal(score.Score.LogProbabilities, ((ScoringResult)found[i]).Score.LogProbabilities);
                continue;
            }

            var (text, other) = ((GenerationResult)expected[i], (GenerationResult)found[i]);
            Assert.Equal(text.Tokens, other.Tokens);
            Assert.Equal((text.Sample, text.Text, text.Reason), (other.Sample, other.Text, other.Reason));
        }
    }
}
