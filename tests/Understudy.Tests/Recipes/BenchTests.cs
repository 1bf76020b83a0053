using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

public sealed class BenchTests
{
    private static readonly BenchOptions Tiny = new()
    {
        Architecture = new BenchArchitectureOptions { NumHiddenLayers = 1, HiddenSize = 16, NumAttentionHeads = 2, MaxPositionEmbeddings = 16 },
        VocabSize = 50, BatchSize = 2, RowLength = 8, TargetLength = 4, GenerationRows = 0, PromptLength = 4, NewTokens = 4, GemmSize = 32, Repeats = 2,
    };

    [Fact]
    public void Every_rate_of_every_precision_is_measured()
    {
        var result = Bench.Run(Tiny with { GenerationRows = 2 }, Device.CPU, RunProgress.None, shape: "tiny");
        Assert.Equal("tiny", result.Shape);
        Assert.Equal([PrecisionMode.Fp32, PrecisionMode.Bf16], result.Figures.Select(figures => figures.Precision));
        Assert.All(result.Figures, figures =>
        {
            Assert.All(new[] { figures.GemmRate, figures.StepSeconds, figures.TrainingShare, figures.PromptTokensPerSecond!.Value, figures.GeneratedTokensPerSecond!.Value }, rate => Assert.True(rate > 0 && double.IsFinite(rate)));
            Assert.Equal(2, figures.Rounds.Count);
            Assert.All(figures.Rounds, round => Assert.Equal(16 / round.StepSeconds, round.TokensPerSecond, 1e-6 * round.TokensPerSecond));
            Assert.All(figures.Rounds, round => Assert.Equal(16 * result.Work.PerToken / round.StepSeconds / round.GemmRate, round.TrainingShare, 1e-9 * round.TrainingShare));
            Assert.Equal(figures.Rounds.Average(round => round.StepSeconds), figures.StepSeconds, 1e-9);
            Assert.InRange(figures.PeakMemoryBytes, 10_000_000, long.MaxValue);
            Assert.Null(figures.RowsPerSecond);
            Assert.Null(figures.EvenRatio);
            Assert.Null(figures.Profile);
        });
    }

    // A block of width 16: query, key, value and output 272 each, 2 feed-forward matrices with biases 1,088 and 1,040, layer norms 32 each.
    [Theory]
    [InlineData(BenchFamily.GptNeox, false, 816 + 272 + 1088 + 1040 + 64 + 32 + 800, 0, 800)]
    [InlineData(BenchFamily.GptNeox, true, 816 + 272 + 1088 + 1040 + 64 + 32 + 800, 0, 0)]
    [InlineData(BenchFamily.Bert, false, (4 * 272) + 1088 + 1040 + 64 + 32 + 272 + 34, 0, (50 + 16 + 2) * 16)]
    [InlineData(BenchFamily.Roberta, false, (4 * 272) + 1088 + 1040 + 64 + 32 + 272 + 34, 0, (50 + 17 + 1) * 16)]
    [InlineData(BenchFamily.Bart, false, (4 * 272) + 1088 + 1040 + 64 + 32, (8 * 272) + 1088 + 1040 + 96 + 32 + 800, 2 * (16 + 2) * 16)]
    public void Work_counts_every_weight_but_those_that_are_only_looked_up(BenchFamily family, bool tied, long source, long target, long tables)
    {
        using var model = new BenchModel(Tiny with { Architecture = Tiny.Architecture with { Family = family, TieWordEmbeddings = tied } }, Device.CPU);
        var work = BenchWork.Of(model.Model, model.Trained);
        Assert.Equal(new BenchWork(source + target + tables, source, target, source + target + tables, 6.0 * source, 6.0 * target), work);
        Assert.Equal(model.Model.Parameters.Sum(parameter => parameter.Value.numel()), work.Parameters);
        Assert.Equal((60.0 * source) + (42.0 * target), work.Operations(10, 7));
    }

    [Theory]
    [InlineData(Understudy.Models.WeightQuantization.None)]
    [InlineData(Understudy.Models.WeightQuantization.Nf4)]
    public void An_adapters_base_costs_four_operations_and_the_adapter_six(Understudy.Models.WeightQuantization held)
    {
        using var model = new BenchModel(Tiny with { Lora = new LoraOptions { R = 2, BaseQuantization = held } }, Device.CPU);
        const long Adapter = 2 * (16 + 48 + 16 + 16 + 16 + 64 + 64 + 16);
        Assert.Equal(new BenchWork(4112 + 800, 4112, 0, Adapter, (4.0 * 4112) + (6 * Adapter), 0), BenchWork.Of(model.Model, model.Trained));
    }

    [Fact]
    public void A_step_trains_every_weight_of_every_family()
    {
        foreach (var family in Enum.GetValues<BenchFamily>())
        {
            using var model = new BenchModel(Tiny with { Architecture = Tiny.Architecture with { Family = family, Dropout = 0.1 } }, Device.CPU);
            using var scope = torch.NewDisposeScope();
            var start = model.Trained.Select(parameter => parameter.Value.detach().clone()).ToList();
            using var session = model.Begin(PrecisionMode.Fp32);
            model.Step(session, new BenchRows(model.Options).Equal());
            Assert.Equal(1, session.Progress.Step);
            Assert.All(model.Trained.Zip(start), pair => Assert.True(pair.First.Value.ne(pair.Second).any().item<bool>(), $"{family}: {pair.First.Name}"));
        }
    }

    [Fact]
    public void Rows_by_length_have_as_many_tokens_as_the_equal_ones_beside_them()
    {
        var rows = new BenchRows(Tiny with { Architecture = Tiny.Architecture with { Family = BenchFamily.Bert }, ShortestRow = 2, RowLength = 9, BatchSize = 4 });
        var lengths = new List<int>();
        for (var round = 0; round < 5; round++)
        {
            var (byLength, even) = rows.Uneven(round);
            Assert.Equal((10, 10), (byLength.Count, even.Count));
            Assert.Equal(byLength.Sum(batch => batch.Tokens), even.Sum(batch => batch.Tokens));
            Assert.Equal(40, even.Sum(batch => batch.Rows.Count));
            Assert.InRange(even.SelectMany(batch => batch.Rows).Max(row => row.Length) - even.SelectMany(batch => batch.Rows).Min(row => row.Length), 0, 1);
            lengths.AddRange(byLength.SelectMany(batch => batch.Rows).Select(row => row.Length));
        }

        // Five rounds take each of the 200 rows once: every length equally often.
        Assert.All(lengths.GroupBy(length => length), group => Assert.Equal(25, group.Count()));
        Assert.Equal(8, lengths.Distinct().Count());
    }

    [Fact]
    public void Rows_by_length_and_threads_have_figures_of_their_own()
    {
        var options = Tiny with { Architecture = Tiny.Architecture with { Family = BenchFamily.Bert }, ShortestRow = 2, Repeats = 1, Precisions = [PrecisionMode.Fp32], Threads = [1, 2] };
        var threads = torch.get_num_threads();
        var result = Bench.Run(options, Device.CPU, RunProgress.None);
        Assert.Equal([1, 2], result.Figures.Select(figures => figures.Threads));
        Assert.All(result.Figures, figures => Assert.Equal(figures.Rounds[0].TokensPerSecond / figures.Rounds[0].EvenTokensPerSecond!.Value, figures.EvenRatio!.Value, 1e-9));
        Assert.All(result.Figures, figures => Assert.True(figures.RowsPerSecond > 0));
        Assert.Equal(threads, torch.get_num_threads());
    }

    [Fact]
    public void A_profile_adds_up_and_names_both_passes()
    {
        var result = Bench.Run(Tiny with { ProfileSteps = 3, Repeats = 1 }, Device.CPU, RunProgress.None);
        foreach (var figures in result.Figures)
        {
            var profile = figures.Profile!;
            Assert.Equal(3, profile.Steps);
            Assert.Equal(profile.Operations.Sum(operation => operation.Seconds), profile.Seconds, 1e-9);
            Assert.Contains(profile.Operations, operation => operation.Backward && (operation.Name == "aten::mm" || operation.Name.StartsWith("matrix product", StringComparison.Ordinal)));
            Assert.Equal(3, profile.Operations.Single(operation => operation.Name == "outside of operations, optimiser").Calls);
            Assert.All(profile.Operations, operation => Assert.True(operation.Seconds >= 0 && operation.Operations >= 0 && operation.Bytes >= 0));
        }
    }

    [Fact]
    public void Named_shapes_are_valid_and_hold_what_their_names_say()
    {
        Assert.Equal(["neox-mini", "neox-70m", "neox-160m", "neox-410m", "neox-410m-lora", "minilm", "minilm-rows", "roberta-base", "roberta-large", "bart-large"], BenchShapes.All.Select(shape => shape.Name));
        Assert.All(BenchShapes.All, shape => Assert.Empty(shape.Options.Validate()));
        // What a run file's reader makes of them is what they are.
        Assert.All(BenchShapes.All, shape => Assert.Equal(RunJson.Line(shape.Options), RunJson.Line(RunFile.Parse<BenchOptions>(RunFile.ToYaml(shape.Options), "shape").Options)));
        var thrown = Assert.Throws<InvalidDataException>(() => BenchShapes.ByName("neox-70"));
        Assert.Equal("There is no shape 'neox-70'. Did you mean 'neox-70m'? There are: neox-mini, neox-70m, neox-160m, neox-410m, neox-410m-lora, minilm, minilm-rows, roberta-base, roberta-large, bart-large, and all.", thrown.Message);
    }

    [Fact]
    public void Options_out_of_range_are_named()
    {
        var thrown = Assert.Throws<RunFileException>(() => RunFile.Parse<BenchOptions>("", "command line", ["repeats=0", "row_length=600", "precisions=[]", "architecture.family=bert", "threads=[1,0]", "profile_steps=-1"]));
        Assert.Equal("""
            --set repeats=0: repeats: expected at least 1, found 0.
            --set profile_steps=-1: profile_steps: expected at least 0, found -1.
            --set threads=[1,0]: threads: expected numbers of at least 1, found 0.
            --set precisions=[]: precisions: expected at least one of fp32 and bf16, found none.
            command line(1,1): generation_rows: expected 0 where 'architecture.family' is bert: only gpt_neox generates here. Set it to 0.
            --set row_length=600: row_length: a row would have 600 tokens, and 'architecture.max_position_embeddings' is 512. Lower the one or raise the other.
            """, thrown.Message);
        thrown = Assert.Throws<RunFileException>(() => RunFile.Parse<BenchOptions>("", "command line", ["shortest_row=200", "target_length=1"]));
        Assert.Contains("shortest_row: expected at most 'row_length' (128), found 200.", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("shortest_row: expected 'architecture.family' roberta or bert with it, found gpt_neox. Remove it, or take a classifier.", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("target_length: expected at least 2, found 1.", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_is_read_as_it_was_written()
    {
        using var folder = new TemporaryFolder();
        var report = BenchReport.Of([Bench.Run(Tiny with { ProfileSteps = 1, Repeats = 1, GenerationRows = 1 }, Device.CPU, RunProgress.None, shape: "tiny")], Device.CPU, "/bin/understudy", new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        var path = folder["bench.json"];
        report.Write(path);
        Assert.Equal(report.ToJson(), BenchReport.Read(path).ToJson());
        Assert.Matches("^[0-9.]+$", report.Program.Version);
        Assert.Matches("^[0-9a-f]{16}$", report.Program.Build);
        File.WriteAllText(path, report.ToJson().Replace("\"format\": 1", "\"format\": 9", StringComparison.Ordinal));
        Assert.Equal($"{path}: expected a benchmark of format 1, found format 9. Measure again with the program that wrote it, or with this one.", Assert.Throws<InvalidDataException>(() => Read(path)).Message);
        File.WriteAllText(path, """{"format": 2, "figures": []}""");
        Assert.Equal($"{path}: expected a benchmark of format 1, found format 2. Measure again with the program that wrote it, or with this one.", Assert.Throws<InvalidDataException>(() => Read(path)).Message);
        (report with { Results = [] }).Write(path);
        Assert.Equal($"{path}: expected at least one measurement in 'results', found none.", Assert.Throws<InvalidDataException>(() => Read(path)).Message);
        File.WriteAllText(path, "{}");
        Assert.StartsWith($"{path}: expected what 'understudy bench --json' writes, found something else (", Assert.Throws<InvalidDataException>(() => Read(path)).Message, StringComparison.Ordinal);
        Assert.Equal($"{path}.gone: there is no such file. 'understudy bench --json FILE' writes one.", Assert.Throws<InvalidDataException>(() => Read(path + ".gone")).Message);
    }

    private static void Read(string path) => _ = BenchReport.Read(path);
}
