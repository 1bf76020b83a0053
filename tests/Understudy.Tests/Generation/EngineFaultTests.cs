using Understudy.Generation;
using Understudy.Models;

namespace Understudy.Tests.Generation;

/// <summary>What goes wrong in one request ends that request, and nothing is left behind.</summary>
public sealed class EngineFaultTests : IDisposable
{
    private readonly GptNeoxForCausalLM model = TinyModel.New(maxLength: 160);

    public void Dispose() => model.Dispose();

    public static TheoryData<string> Faults() => ["processor", "cancelled processor", "constraint", "decoding", "nothing allowed", "kind", "beginning"];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task One_request_ends_and_the_others_go_on(string fault)
    {
        var healthy = Enumerable.Range(0, 6).Select(i => new GenerationRequest([1 + i, 7], Settings([]))).ToList();
        List<IReadOnlyList<int>> alone = [.. healthy.Select(request => Texts([request]).Single().Tokens)];
        using (var engine = new InferenceEngine(model, new EngineOptions { MaxRows = 4 }))
        {
            var tasks = healthy.Select(request => engine.SubmitAsync(request)).ToList();
            var broken = engine.SubmitAsync(Broken(fault));
            await Assert.ThrowsAnyAsync<Exception>(() => broken);
            for (var i = 0; i < healthy.Count; i++) Assert.Equal(alone[i], ((GenerationResult)(await tasks[i]).Single()).Tokens);
            // The engine serves on.
            Assert.Equal(alone[0], ((GenerationResult)(await engine.SubmitAsync(healthy[0])).Single()).Tokens);
        }

        AssertNothingHeld();
        using var other = new InferenceEngine(model);
        Assert.ThrowsAny<Exception>(() => other.Run([healthy[0], Broken(fault), healthy[1]]).Count());
        AssertNothingHeld();
        Assert.Equal(alone[1], other.Run([healthy[1]]).Cast<GenerationResult>().Single().Tokens);
    }

    [Fact]
    public void Beginnings_of_a_step_that_failed_are_not_taken_for_computed()
    {
        var prompt = Enumerable.Range(0, 50).Select(i => i % TinyModel.Vocabulary).ToArray();
        var expected = Texts([new GenerationRequest(prompt, Settings([]))]).Single().Tokens;
        var packed = PackedModel.Of(model)!;
        packed.Prefixes.Clear();
        using (var engine = new InferenceEngine(model))
        {
            // The second request fails while the step is put together, when the first one's pages are remembered already.
            Assert.Throws<InvalidOperationException>(() => engine.Run(Both()).Count());

            IEnumerable<EngineRequest> Both()
            {
                yield return new GenerationRequest(prompt, Settings([]));
                packed.Pages.Limit = packed.Pages.Taken + 6;
                yield return new GenerationRequest([.. prompt.Select(token => (token + 1) % TinyModel.Vocabulary)], Settings([]));
                packed.Pages.Limit = 0;
            }
        }

        AssertNothingHeld();
        Assert.Equal(expected, Texts([new GenerationRequest(prompt, Settings([]))]).Single().Tokens);
    }

    [Fact]
    public void An_engine_runs_one_list_at_a_time_and_none_after_its_end()
    {
        var engine = new InferenceEngine(model);
        var requests = Enumerable.Range(0, 3).Select(i => new GenerationRequest([1 + i], Settings([]))).ToList();
        using (var first = engine.Run(requests).GetEnumerator())
        {
            Assert.True(first.MoveNext());
            Assert.StartsWith("Another call of Run on this engine is not at its end.", Assert.Throws<InvalidOperationException>(() => engine.Run(requests)).Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(() => { _ = engine.SubmitAsync(requests[0]); });
        }

        Assert.Equal(3, engine.Run(requests).Count());
        engine.Dispose();
        engine.Dispose();
        Assert.Throws<ObjectDisposedException>(() => engine.Run(requests));
        Assert.Throws<ObjectDisposedException>(() => { _ = engine.SubmitAsync(requests[0]); });
    }

    [Fact]
    public void A_whole_text_that_fills_the_limit_is_whole()
    {
        var constraint = new LabelConstraint([[5, 6, 7]]);
        using var engine = new InferenceEngine(model);
        var settings = new GenerationSettings([], false, new StopCondition([], [], 3, _ => ""));
        Assert.Equal(FinishReason.Complete, Assert.IsType<GenerationResult>(engine.Run([new GenerationRequest([1], settings) { Constraint = constraint }]).Single()).Reason);
    }

    private static GenerationSettings Settings(IReadOnlyList<ILogitsProcessor> processors) => new(processors, false, new StopCondition([], ["never"], 12, Decode));

    private static string Decode(ReadOnlySpan<int> ids) => string.Concat(ids.ToArray().Select(id => $"{id}."));

    private static EngineRequest Broken(string fault)
    {
        var request = new GenerationRequest([3, 4], Settings([]));
        return fault switch
        {
            "processor" => request with { Settings = Settings([new Thrower(new FormatException("broken"))]) },
            "cancelled processor" => request with { Settings = Settings([new Thrower(new OperationCanceledException("broken"))]) },
            "constraint" => request with { Constraint = new LabelConstraint([[5]], [6]), Settings = Settings([new Lifter(9)]) },
            "decoding" => request with { Settings = Settings([]) with { Stop = new StopCondition([], ["never"], 12, _ => throw new FormatException("broken")) } },
            "nothing allowed" => request with { Settings = Settings([new NoBadWordsLogitsProcessor([.. Enumerable.Range(0, TinyModel.Vocabulary).Select(id => (IReadOnlyList<int>)[id])], [])]) },
            "kind" => new ClassificationRequest([3, 4]),
            _ => new GenerationRequest(null!, Settings([])),
        };
    }

    private List<GenerationResult> Texts(IReadOnlyList<EngineRequest> requests)
    {
        using var engine = new InferenceEngine(model);
        return [.. engine.Run(requests, inOrder: true).Cast<GenerationResult>()];
    }

    private void AssertNothingHeld() => Assert.Equal(PackedModel.Of(model)!.Prefixes.Count, PackedModel.Of(model)!.Pages.Taken);

    private sealed class Lifter(int token) : ILogitsProcessor
    {
        public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch) => logits[token] = 1e9f;
    }

    private sealed class Thrower(Exception fault) : ILogitsProcessor
    {
        public void Process(Span<float> logits, RowTokens row, SamplingScratch scratch)
        {
            // After a few tokens, in the middle of the text.
            if (row.NewTokens == 3) throw fault;
        }
    }
}
