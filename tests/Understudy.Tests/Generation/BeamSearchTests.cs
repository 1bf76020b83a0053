using Understudy.Generation;
using Understudy.Models;
using Understudy.Tests.Models;
using Understudy.Torch;

namespace Understudy.Tests.Generation;

[Collection(LiveTensors.Name)]
public sealed class BeamSearchTests : IDisposable
{
    private const int Room = 9;

    private static readonly int[][] Texts = [[7, 9, 3], [4], [11, 12, 5, 6, 8, 13, 3], [20, 21, 3], [6, 6, 6, 3]];

    private readonly GptNeoxForCausalLM causal = TinyModel.New(seed: 3);

    public static TheoryData<string, BeamSearchOptions, int> Cases { get; } = [];

    static BeamSearchTests()
    {
        BeamSearchOptions[] options =
        [
            new() { NumBeams = 2 },
            new() { NumBeams = 4, NumReturnSequences = 3 },
            new() { NumBeams = 3, LengthPenalty = 2, EarlyStopping = BeamStopping.WhenFull, NumReturnSequences = 3 },
            new() { NumBeams = 4, LengthPenalty = -1, NumReturnSequences = 2 },
            new() { NumBeams = 3, LengthPenalty = 1.5, EarlyStopping = BeamStopping.Never, NumReturnSequences = 3 },
            new() { NumBeams = 5, LengthPenalty = 0, EarlyStopping = BeamStopping.Never },
        ];
        foreach (var model in new[] { "causal", "bart", "t5-tied" })
        {
            foreach (var option in options)
            {
                for (var processing = 0; processing < 3; processing++) Cases.Add(model, option, processing);
            }
        }
    }

    public void Dispose() => causal.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Beams_equal_those_of_a_slow_search_without_a_cache(string kind, BeamSearchOptions options, int processing)
    {
        using var pair = kind == "causal" ? null : TinySequenceToSequence.New(kind);
        int[] eos = processing == 2 ? [3, 5, 17] : [3];
        // A forced first token is one after a beginning of one token.
        var processors = processing == 0 ? [] : LogitsProcessors.From(
            new SamplingOptions { DoSample = false, MaxNewTokens = Room, NoRepeatNgramSize = 2, RepetitionPenalty = processing == 2 ? 1.3 : 1 }, [], eos, 3, processing == 1 ? 8 : null, processing == 1 ? [3] : []);
        var stop = new StopCondition(eos, [], Room, _ => "");
        var search = pair is null ? new BeamSearch(causal, processors, options, stop) : new BeamSearch(pair, processors, options, stop);

        var found = search.Generate(Texts, batchSize: 3 * options.NumBeams).ToLookup(text => text.Prompt);

        var ended = 0;
        for (var i = 0; i < Texts.Length; i++)
        {
            var text = Texts[i];
            var expected = SlowBeamSearch.Run(tokens => Logits(pair, text, tokens), pair is null ? text : [pair.DecoderStartTokenId], processors, options, eos, Room);
            var texts = found[i].OrderBy(one => one.Rank).ToList();
            Assert.Equal(options.NumReturnSequences, texts.Count);
            Assert.Equal(expected.Select(one => one.Tokens), texts.Select(one => one.Tokens.ToArray()));
            foreach (var (one, other) in expected.Zip(texts)) Assert.Equal(one.Score, other.Score, 1e-3 * Math.Max(1, Math.Abs(one.Score)));
            Assert.All(texts, one => Assert.Equal(eos.Contains(one.Tokens[^1]) ? FinishReason.StopToken : FinishReason.Length, one.Reason));
            ended += texts.Count(one => one.Tokens.Count < Room);
        }

        // A search in which nothing ends early would show little.
        if (processing == 0 && options.LengthPenalty <= 0 && kind != "t5-tied") Assert.True(ended > 0);
    }

    [Theory]
    [InlineData("causal")]
    [InlineData("bart-tied")]
    [InlineData("t5")]
    public void One_beam_is_greedy_search(string kind)
    {
        using var pair = kind == "causal" ? null : TinySequenceToSequence.New(kind);
        var stop = new StopCondition([3, 8], [], 12, _ => "");
        var beam = new BeamSearchOptions { NumBeams = 1 };
        var one = pair is null ? new BeamSearch(causal, [], beam, stop) : new BeamSearch(pair, [], beam, stop);
        var greedy = pair is null ? new TextGenerator(causal, [], false, stop) : new TextGenerator(pair, [], false, stop);
        var expected = greedy.Generate([.. Texts.Select(text => new GenerationPrompt(text))]).OrderBy(text => text.Prompt).ToList();
        var found = one.Generate(Texts).OrderBy(text => text.Prompt).ToList();
        Assert.Equal(expected.Select(text => text.Tokens.ToArray()), found.Select(text => text.Tokens.ToArray()));
        Assert.Equal(expected.Select(text => text.Reason), found.Select(text => text.Reason));
    }

    [Fact]
    public void More_beams_find_a_text_at_least_as_probable()
    {
        var stop = new StopCondition([], [], 8, _ => "");
        double Best(int beams) => new BeamSearch(causal, [], new BeamSearchOptions { NumBeams = beams, LengthPenalty = 0 }, stop).Generate([[5, 6]]).Single().Score;
        Assert.True(Best(16) > Best(1) + 0.01);
    }

    [Fact]
    public void A_text_ends_at_a_stop_string_and_is_cut_before_it()
    {
        static string Decode(ReadOnlySpan<int> tokens) => string.Join(' ', tokens.ToArray().Select(token => $"t{token}"));
        var free = new BeamSearch(causal, [], new BeamSearchOptions { NumBeams = 2 }, new StopCondition([], [], 8, Decode)).Generate([[5, 6]]).Single();
        var mark = $"t{free.Tokens[3]}";
        var text = new BeamSearch(causal, [], new BeamSearchOptions { NumBeams = 2, NumReturnSequences = 2 }, new StopCondition([], [mark], 8, Decode)).Generate([[5, 6]]).ToList();
        Assert.Contains(text, one => one.Reason == FinishReason.StopString && one.Text.Length > 0 && !one.Text.Contains(mark, StringComparison.Ordinal) && $"t{one.Tokens[^1]}" == mark);
    }

    [Theory]
    [InlineData("causal")]
    [InlineData("bart")]
    public void No_tensor_outlives_a_search_also_one_that_is_abandoned_or_cancelled(string kind)
    {
        using var pair = kind == "causal" ? null : TinySequenceToSequence.New(kind);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Equal(0, LiveTensors.Left(() =>
        {
            var stop = new StopCondition([3], [], 12, _ => "");
            var options = new BeamSearchOptions { NumBeams = 3, NumReturnSequences = 2 };
            var search = pair is null ? new BeamSearch(causal, [], options, stop) : new BeamSearch(pair, [], options, stop);
            Assert.Equal(10, search.Generate(Texts, 6).Count());
            Assert.NotNull(search.Generate(Texts, 6).First());
            Assert.Throws<OperationCanceledException>(() => search.Generate(Texts, 6, cancelled.Token).Count());
        }));
    }

    [Fact]
    public void Options_out_of_their_range_are_refused_all_at_once()
    {
        var options = new BeamSearchOptions { NumBeams = 0, LengthPenalty = double.NaN, NumReturnSequences = 2 };
        Assert.Equal(
            ["num_beams: expected at least 1, found 0.", "length_penalty: expected a finite number, found NaN.", "num_return_sequences: expected at most 'num_beams' (0), found 2."],
            options.Validate().Select(fault => fault.ToString()));
        Assert.Throws<ArgumentException>(() => new BeamSearch(causal, [], options, new StopCondition([], [], 8, _ => "")));
    }

    private float[] Logits(ISequenceToSequenceModel? pair, int[] text, int[] tokens)
    {
        using var gradients = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var ids = torch.tensor(tokens.Select(token => (long)token).ToArray(), 1, tokens.Length);
        if (pair is null) return causal.Logits(causal.Hidden(ids).narrow(1, tokens.Length - 1, 1)).ToArray<float>();
        var source = torch.tensor(text.Select(token => (long)token).ToArray(), 1, text.Length);
        return pair.Logits(pair.Decode(ids, pair.Encode(source)).narrow(1, tokens.Length - 1, 1)).ToArray<float>();
    }
}
