using Understudy.Generation;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

[Collection(LiveTensors.Name)]
public sealed class PlanTests
{
    private static readonly MachineMemory Small = new(1L << 20, 1L << 20, "machine");

    [Fact]
    public void A_plan_has_the_stages_rows_and_steps_of_the_run_and_writes_nothing_there()
    {
        using var folder = new TemporaryFolder();
        var options = DistillTests.Options(folder) with { Output = folder["run"], Repeats = 2 };
        var before = Plan(options);
        Assert.False(Directory.Exists(folder["run"]));
        Assert.Equal(
            ["pretrain", "tune", "evaluate-teacher", "annotate", "filter-annotated", "generate", "filter-generated", "student.seeds_only", "student.both", "student.evaluate"],
            before.Stages.Select(stage => stage.Name));
        Assert.Equal([12, 25, null, null, null, null, null, 9, null, null], before.Stages.Select(stage => stage.Name == "student.both" ? null : stage.Steps));
        Assert.Equal((9, 2, 0), before.Stages.Where(stage => stage.Name == "student.seeds_only").Select(stage => (stage.Rows, stage.Times, stage.Done)).Single());
        Assert.Equal(4, before.Stages[^1].Times);
        Assert.All(before.Stages, stage => Assert.True(stage.Seconds > 0));
        Assert.All(before.Stages.Where(stage => stage.Basis == PlanBasis.Measured && !stage.Name.StartsWith("filter", StringComparison.Ordinal)), stage => Assert.True(stage.PeakBytes > 0));
        Assert.Equal(before.Stages.Sum(stage => stage.SecondsLeft), before.Seconds, 9);
        Assert.True(before.Fits);
        Assert.Empty(before.Advice);

        var result = DistillTests.Run(options, folder["run"], null);
        Assert.Equal(before.Stages[0].Steps, result.Pretrain!.Steps);
        Assert.Equal(before.Stages[1].Steps, result.Tune!.Steps);
        Assert.Equal(before.Stages[0].Tokens, result.Pretrain.Tokens);
        var files = ToyFiles(folder["run"]);
        var after = Plan(options);
        Assert.Equal(files, ToyFiles(folder["run"]));
        Assert.All(after.Stages, stage => Assert.Equal((stage.Times, 0.0, 0L), (stage.Done, stage.SecondsLeft, stage.PeakBytes)));

        Directory.Delete(Path.Combine(folder["run"], "models", "student.both.2"), recursive: true);
        var partly = Plan(options);
        Assert.Equal((2, 1), partly.Stages.Where(stage => stage.Name == "student.both").Select(stage => (stage.Times, stage.Done)).Single());
        Assert.Equal(result.Arms[2].TrainRows, partly.Stages.Single(stage => stage.Name == "student.both").Rows);
        Assert.True(partly.Seconds > 0);
    }

    [Fact]
    public void A_plan_leaves_no_tensor_and_no_file_behind()
    {
        using var folder = new TemporaryFolder();
        var options = DistillTests.Options(folder) with { Output = folder["run"] };
        var scratch = Scratch();
        Assert.Equal(0, LiveTensors.Left(() => Plan(options, seconds: 2)));
        Assert.Equal(scratch, Scratch());

        static int Scratch() => Directory.GetDirectories(Path.GetTempPath(), "understudy-plan-*").Length;
    }

    [Fact]
    public void An_adapter_on_a_base_in_few_bits_is_planned_too()
    {
        using var folder = new TemporaryFolder();
        var options = DistillTests.Options(folder);
        options = options with { Output = folder["run"], Teacher = options.Teacher with { Lora = new LoraOptions { R = 4, BaseQuantization = WeightQuantization.Nf4, BaseDtype = WeightType.Bfloat16 } } };
        var plan = Plan(options, seconds: 3);
        Assert.Equal(25, plan.Stages.Single(stage => stage.Name == "tune").Steps);
    }

    [Fact]
    public void Data_at_fault_are_told_as_the_run_tells_them()
    {
        using var folder = new TemporaryFolder();
        var options = DistillTests.Options(folder) with { Output = folder["run"] };
        File.WriteAllText(folder["train.csv"], "id,text,label\n1,a,same\n2,b,same\n3,c,same\n");
        File.WriteAllText(folder["test.csv"], "id,text,label\n9,d,same\n");
        var planned = Assert.Throws<InvalidDataException>(() => Plan(options));
        Assert.Equal(Assert.Throws<InvalidDataException>(() => DistillTests.Run(options, folder["run"], null)).Message, planned.Message);
    }

    [Fact]
    public void A_model_that_does_not_fit_whole_is_measured_with_fewer_blocks_or_reckoned()
    {
        using var bar = RunProgress.None.Start("measure", null, "batches");
        var shape = Shape(layers: 16);
        var batches = new[] { TokenLayout.Of([[1, 2, 3, 4], [5, 6, 7, 8]], 0) };
        var training = new TrainingOptions();
        PlanSample Measured(double share) => new PlanMeter(Device.CPU, Small with { Free = (long)(share * 16 * shape.Parameters) }, 5, bar, default) { Pieces = 1 }.Measure(
            "pretrain", shape, trains: true, narrow: false, batches, batch => batch.Rows * batch.Columns, 0,
            own => new TrainingWork<ICausalLanguageModel, TokenLayout>(own, training, (model, rows) => Losses.NextToken(model.Prelogits(model.Hidden(rows.To().Ids)), rows.To().Ids, 8)));
        Assert.Equal(PlanBasis.Measured, Measured(4).Basis);
        var few = Measured(1.2);
        Assert.Equal(PlanBasis.FewerBlocks, few.Basis);
        Assert.InRange(few.Batches[0], 1e-5, 10);
        var reckoned = Measured(0.2);
        Assert.Equal(PlanBasis.Reckoned, reckoned.Basis);
        Assert.Equal(16 * shape.Parameters, reckoned.Peak - reckoned.Before);
    }

    [Fact]
    public void Advice_names_the_settings_that_make_a_training_fit()
    {
        var shape = Shape(layers: 4);
        var training = new TrainingOptions { BatchSize = 16 };
        var batch = shape.Activations(16, 64, narrow: false, checkpointed: false);
        var need = new PlanNeed("tune", "teacher.tune", training, 16, 64, shape, MayAdapt: true, 1000, 1000 + (16 * shape.Parameters) + (long)batch);
        var half = PlanAdvisor.Changes(need, 1000 + (16 * shape.Parameters) + (long)(0.6 * batch)).ToList();
        Assert.Contains(half, advice => advice.Fits && advice.Settings is ["teacher.tune.batch_size=8", "teacher.tune.gradient_accumulation_steps=2"]);
        Assert.Contains(half, advice => advice.Fits && advice.Settings is ["teacher.tune.gradient_checkpointing=true"]);
        Assert.Contains(half, advice => advice.Settings is ["teacher.lora.base_dtype=bfloat16"]);
        Assert.All(half, advice => Assert.True(advice.PeakBytes < need.Peak));
        var fewer = half.First(advice => advice.Settings[0] == "teacher.tune.batch_size=8");
        Assert.InRange(fewer.PeakBytes - (1000.0 + (16 * shape.Parameters) + (batch / 2)), -2, 2);

        // Weights, gradients and averages alone are too much: only what is trained can help, and several settings together.
        var least = PlanAdvisor.Changes(need, 15 * shape.Parameters).ToList();
        Assert.Contains(least, advice => advice.Fits && advice.Settings.Any(setting => setting.StartsWith("teacher.lora", StringComparison.Ordinal)));
        Assert.DoesNotContain(PlanAdvisor.Changes(need with { MayAdapt = false }, 100), advice => advice.Fits);
    }

    [Fact]
    public void Settings_of_advice_are_keys_of_the_run_file()
    {
        var shape = Shape(layers: 2);
        var training = new TrainingOptions { MaxTokensPerBatch = 1024, BatchSize = 64 };
        var need = new PlanNeed("student.both", "students.0.training", training, 64, 64, shape, MayAdapt: true, 0, 100 * shape.Parameters);
        using var folder = new TemporaryFolder();
        var options = DistillTests.Options(folder);
        options = options with { Students = [options.Students[0] with { Model = folder.FullName, Architecture = null, Tokenizer = new() }] };
        var file = folder["run.yaml"];
        File.WriteAllText(file, RunFile.ToYaml(options));
        var advice = PlanAdvisor.Changes(need, shape.Parameters).Concat(PlanAdvisor.Changes(need with { Training = null, Section = "annotate", Stage = "annotate" }, 0)).ToList();
        Assert.Contains(advice, one => one.Settings.Count > 3);
        Assert.All(advice, one => Assert.NotNull(RunFile.Load<RunOptions>(file, one.Settings).Options));
    }

    [Fact]
    public void Texts_that_have_ended_make_room_for_the_next_ones()
    {
        GenerationPrompt[] prompts = [new([1, 2, 3], 1, 4), new([1, 2, 3, 4], 2, 4)];
        var prompting = new BatchTimes([(4, 1.0), (8, 2.0)]);
        var stepping = new BatchTimes([(4, 0.5), (8, 1.0)]);
        // 7 tokens of prompts. All texts have 11 tokens: the first comes from the prompt, ten from steps of 8 rows.
        Assert.Equal(1.75 + (10 * 1.0), PlanWriting.Seconds(prompts, [11], 1, 8, prompting, stepping), 9);
        Assert.Equal(3 * (1.75 + (10 * 1.0)), PlanWriting.Seconds(prompts, [11], 3, 8, prompting, stepping), 9);
        // Four texts at a time.
        Assert.Equal(1.75 + (2 * 10 * 0.5), PlanWriting.Seconds(prompts, [11], 1, 4, prompting, stepping), 9);
        // Two of three texts at a time: two steps of both, then two of the third.
        var uneven = PlanWriting.Seconds([new([1], 1, 3)], [3], 1, 2, new BatchTimes([(0, 0.0), (8, 0.0)]), new BatchTimes([(1, 1.0), (2, 2.0)]));
        Assert.Equal((2 * 2.0) + (2 * 1.0), uneven, 9);
        Assert.Equal(1.75, PlanWriting.Seconds(prompts, [1], 1, 8, prompting, stepping), 9);
    }

    [Fact]
    public void The_way_through_a_training_is_that_of_its_batches()
    {
        int[] lengths = [.. Enumerable.Range(0, 40).Select(i => 4 + (i % 5))];
        var times = new BatchTimes([(0, 0), (1000, 1000)]);
        var training = new TrainingOptions { Epochs = 6, BatchSize = 8, GradientAccumulationSteps = 2 };
        var walk = PlanWalk.Of(new BatchPlan(lengths, training, 1), lengths, training, times, 5);
        Assert.Equal((18, 6.0, 6L * lengths.Sum(), 8, 8), (walk.Steps, walk.Epochs, walk.Tokens, walk.Rows, walk.Length));
        Assert.Equal((6.0 * lengths.Sum()) + (18 * 5), walk.Seconds, 6);
        var timed = training with { MaxMinutes = 1 };
        var half = PlanWalk.Of(new BatchPlan(lengths, timed, 1), lengths, timed, times, 5);
        Assert.Equal(60, half.Seconds, 6);
        Assert.True(half.Steps < 18);
    }

    private static PlanResult Plan(RunOptions options, double seconds = 6)
    {
        using var models = new ModelFolders();
        return Understudy.Recipes.Plan.Run(options, new PlanOptions { Seconds = seconds }, Device.CPU, models, RunProgress.None, default);
    }

    private static PlanShape<ICausalLanguageModel> Shape(int layers)
    {
        var config = new GptNeoxConfig { VocabSize = 64, HiddenSize = 32, NumHiddenLayers = layers, NumAttentionHeads = 2, IntermediateSize = 128, MaxPositionEmbeddings = 128, EosTokenId = 0 };
        using var model = new GptNeoxForCausalLM(config, new OutlineParameters());
        return new PlanShape<ICausalLanguageModel>(new ConfigJson(model.ToConfigJson(), "test"), AutoModel.BuildCausalLanguageModel, null, Device.CPU);
    }

    private static SortedDictionary<string, long> ToyFiles(string run) => new(
        Directory.EnumerateFiles(run, "*", SearchOption.AllDirectories).ToDictionary(file => file, file => File.GetLastWriteTimeUtc(file).Ticks ^ new FileInfo(file).Length), StringComparer.Ordinal);
}
