using Understudy.Generation;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Tests.Recipes;

public sealed class BenchGenerateTests
{
    [Fact]
    public void Every_row_is_measured_and_held_against_its_goal()
    {
        var rows = BenchGenerate.Run(BenchGenerateShapes.Quick, BenchGenerateShapes.Plan([], [], quick: true), RunProgress.None);
        Assert.Equal(Enum.GetValues<BenchGenerateItem>(), rows.Select(row => row.Item));
        Assert.All(rows, row =>
        {
            Assert.True(double.IsFinite(row.Rate) && (row.Rate > 0 || row.Item == BenchGenerateItem.Growth), $"{row.Item}: {row.Rate}");
            var round = Assert.Single(row.Rounds);
            Assert.True(round is { GemmRate: > 0, MemoryRate: > 0 });
            Assert.Null(row.Other);
            // Nobody published a tiny model's rates, and predict has no goal.
            Assert.Equal(row.Item is BenchGenerateItem.Decode or BenchGenerateItem.Beams or BenchGenerateItem.Predict, row.Goal is null);
        });
        var options = BenchGenerateShapes.Quick;
        var prefix = rows.Single(row => row.Item == BenchGenerateItem.Prefix);
        // All prompts but the first have the two pages of the 32 tokens in common: 5 x 32 of 6 x 36.
        Assert.Equal(5.0 * 32 / (6 * 36), prefix.Median("hit rate"), 1e-12);
        var cache = rows.Single(row => row.Item == BenchGenerateItem.Cache);
        Assert.Equal(options.Rows, cache.Median("rows at once"));
        Assert.Equal(1 - (cache.Median("MiB of the tokens") / cache.Rate), cache.Goal!.Value, 1e-12);
        Assert.InRange(cache.Goal.Value, 0, 0.9);
        var predict = rows.Single(row => row.Item == BenchGenerateItem.Predict);
        Assert.Equal(1, predict.Median("tokenizing") + predict.Median("computing"), 1e-12);
    }

    [Fact]
    public void Shares_are_of_the_rates_of_the_same_round()
    {
        var rows = BenchGenerate.Run(BenchGenerateShapes.Quick, BenchGenerateShapes.Plan([BenchGenerateItem.DecodeOne, BenchGenerateItem.Prompt], ["tiny"]), RunProgress.None);
        // Matrices of a layer 12 x 32 x 32 with biases of 9 x 32, two norms of 64; the last norm; the output layer.
        const long Block = (12 * 32 * 32) + (9 * 32) + (2 * 64) + 64;
        const long Output = 300 * 32;
        var (one, prompt) = (rows[0], rows[1]);
        var round = one.Rounds[0];
        Assert.Equal(one.Rate * 2 * (Block + Output) / round.GemmRate, one.GemmShare!.Value, 1e-9 * one.GemmShare.Value);
        const long Bytes = (2 * ((12 * 32 * 32) + Output)) + (4 * (Block - (12 * 32 * 32)));
        Assert.Equal(one.Rate * Bytes / round.MemoryRate, one.MemoryShare!.Value, 1e-9 * one.MemoryShare.Value);
        Assert.Equal(("of the memory rate", one.MemoryShare, 0.85), (one.Goal!.Measure, one.Goal.Value, one.Goal.Bound));
        // One token in eight has logits.
        Assert.Equal(prompt.Rate * 2 * (Block + (Output / 8.0)) / prompt.Rounds[0].GemmRate, prompt.GemmShare!.Value, 1e-9 * prompt.GemmShare.Value);
    }

    [Fact]
    public void What_an_item_before_left_in_the_cache_is_no_waste()
    {
        Assert.Equal(Held(BenchGenerateItem.Cache), Held(BenchGenerateItem.Prefix, BenchGenerateItem.Cache));

        static double Held(params BenchGenerateItem[] items) => BenchGenerate.Run(BenchGenerateShapes.Quick, BenchGenerateShapes.Plan(items, ["tiny"]), RunProgress.None)[^1].Rate;
    }

    [Fact]
    public void Weights_in_int8_are_a_byte_each_and_the_output_layer_stays_unless_asked()
    {
        var shape = BenchGenerateShapes.All.Single(shape => shape.Name == "tiny").Options;
        foreach (var output in (bool[])[false, true])
        {
            using var model = BenchDecoding.InInt8(shape, output);
            Assert.All(model.Linears, layer => Assert.Equal(!layer.IsHead || output, layer.Weight is Int8Weight));
            const long Matrices = 12 * 32 * 32;
            const long Scales = 9 * 32;
            Assert.Equal(Matrices + (4 * Scales) + (output ? (300 * 32) + (4 * 300) : 2 * 300 * 32) + (4 * ((9 * 32) + 192)), BenchInferenceWork.Of(model).WeightBytes);
        }
    }

    [Fact]
    public void Published_rates_are_scaled_round_by_round()
    {
        List<BenchGenerateRound> rounds = [Round(400e9, 1000), Round(800e9, 4182), Round(1600e9, 20_000)];
        var options = new BenchGenerateOptions();
        // llama.cpp: 2,091 tokens a second at 800 GFLOP/s.
        Assert.Equal(new BenchOtherEngine("llama.cpp", 2091, 800e9, 2091, 2), PublishedRates.Of(BenchGenerateItem.Decode, "neox-70m", options, rounds));
        Assert.Equal(1000 / (2091 / 2.0), PublishedRates.Of(BenchGenerateItem.Decode, "neox-70m", options, [rounds[0]])!.Ratio);
        Assert.Null(PublishedRates.Of(BenchGenerateItem.DecodeOne, "neox-70m", options, rounds));
        // What was measured with other lengths cannot be compared.
        Assert.Null(PublishedRates.Of(BenchGenerateItem.Decode, "neox-70m", options with { NewTokens = 16 }, rounds));
        Assert.Null(PublishedRates.Of(BenchGenerateItem.Beams, "bart-large", options with { TargetLength = 4 }, rounds));
        Assert.NotNull(PublishedRates.Of(BenchGenerateItem.Beams, "bart-large", options, rounds));

        static BenchGenerateRound Round(double gemm, double rate) => new(gemm, 1, new Dictionary<string, double> { [BenchStand.Rate] = rate });
    }

    [Fact]
    public void A_goal_that_is_a_bound_from_above_is_reached_below_it()
    {
        Assert.Equal(1.5, new BenchGoal("x", 3, 2).Reached);
        Assert.Equal(2, new BenchGoal("waste", 0.05, 0.1, AtMost: true).Reached);
    }

    [Fact]
    public void Labels_are_as_many_as_asked_for_and_many_begin_alike()
    {
        var labels = BenchLabelScoring.Labels(77, 50_304, new Understudy.Data.SeededRandom(1));
        Assert.Equal(77, labels.Select(label => string.Join(' ', label)).Distinct().Count());
        Assert.All(labels, label => Assert.InRange(label.Length, 2, 5));
        Assert.All(labels, label => Assert.Equal([label.Length - 1], Enumerable.Range(0, label.Length).Where(i => label[i] == 187)));
        Assert.InRange(labels.Select(label => label[0]).Distinct().Count(), 2, 15);
        Assert.Equal(labels, BenchLabelScoring.Labels(77, 50_304, new Understudy.Data.SeededRandom(1)));
        // All in one pass behind the prompt.
        Assert.Single(new CandidateLabels(labels).Trie.Passes);
    }

    [Fact]
    public void A_plan_has_the_shapes_of_the_table_or_those_asked_for()
    {
        Assert.Equal(
            ["neox-mini: Decode Prompt", "neox-70m: Decode DecodeOne Prompt Int8 Labels Prefix Mixed Cache Growth", "neox-160m: Decode DecodeOne Prompt Int8", "neox-410m: Decode DecodeOne Prompt Int8", "minilm: Classify Predict", "bart-large: Beams"],
            Shown(BenchGenerateShapes.Plan([], [])));
        Assert.Equal(["neox-160m: Labels", "tiny: Labels"], Shown(BenchGenerateShapes.Plan([BenchGenerateItem.Labels, BenchGenerateItem.Beams], ["neox-160m", "tiny", "minilm"])));

        static IEnumerable<string> Shown(IReadOnlyList<BenchGenerateJob> jobs) => jobs.Select(job => $"{job.Shape.Name}: {string.Join(' ', job.Items)}");
    }

    [Fact]
    public void What_cannot_be_measured_is_refused_before_anything_is()
    {
        var thrown = Assert.Throws<InvalidDataException>(() => BenchGenerateShapes.Plan([BenchGenerateItem.Beams, BenchGenerateItem.DecodeOne], ["minilm"]));
        Assert.Equal("Nothing can be measured: decode_one, beams of minilm. beams takes a BART, classify and predict take a BERT or RoBERTa, everything else takes a GPT-NeoX.", thrown.Message);
        thrown = Assert.Throws<InvalidDataException>(() => BenchGenerate.Run(BenchGenerateShapes.Quick with { PrefixLength = 400 }, BenchGenerateShapes.Plan([BenchGenerateItem.Prefix], ["tiny"]), RunProgress.None));
        Assert.Equal("prefix would have rows of 406 tokens, and tiny takes 128. Lower 'prefix_length', 'prefix_own_length' or 'prefix_new_tokens'.", thrown.Message);
        var faults = Assert.Throws<RunFileException>(() => RunFile.Parse<BenchGenerateOptions>("", "command line", ["rows=0", "new_tokens=1", "longest_prompt=5", "longest_text=2", "growth_rows=3", "repeats=0"])).Message;
        Assert.Equal("""
            --set rows=0: rows: expected at least 1, found 0.
            --set new_tokens=1: new_tokens: expected at least 2, found 1.
            --set longest_prompt=5: longest_prompt: expected at least 'shortest_prompt' (10), found 5.
            --set longest_text=2: longest_text: expected at least 'shortest_text' (3), found 2.
            --set growth_rows=3: growth_rows: expected at least 20, found 3.
            --set repeats=0: repeats: expected at least 1, found 0.
            """, faults);
    }

    [Fact]
    public void A_sweep_reads_whole_blocks_and_refuses_less()
    {
        using var sweep = new MemorySweep(1 << 20);
        Assert.InRange(sweep.Rate(), 1e6, 1e13);
        Assert.StartsWith("expected at least 65536 bytes to read, found 1000", Assert.Throws<TorchException>(() => new MemorySweep(1000)).Message, StringComparison.Ordinal);
    }
}
