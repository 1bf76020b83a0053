using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Tests.Models;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

/// <summary>Runs that tune adapters: what is written, what stays as it was, what comes back from it.</summary>
[Collection(LiveTensors.Name)]
public sealed class LoraRunTests
{
    [Theory]
    [InlineData(WeightType.Float32, WeightQuantization.None, false)]
    [InlineData(WeightType.Bfloat16, WeightQuantization.None, true)]
    [InlineData(WeightType.Bfloat16, WeightQuantization.Nf4, false)]
    public void A_teachers_adapter_is_tuned_beside_its_base_and_used_from_there(WeightType dtype, WeightQuantization quantization, bool dora)
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder, new LoraOptions { R = 4, LoraAlpha = 8, LoraDropout = 0.1, UseDora = dora, BaseDtype = dtype, BaseQuantization = quantization }) with { Students = [], Arms = [RunArm.Both] };
        using (var cancel = new CancellationTokenSource())
        {
            // Enough for the pre-training and some steps of the tuning.
            Assert.Throws<OperationCanceledException>(() => DistillTests.Run(options, folder["run"], new DistillTests.CountingProgress(cancel, 24), cancel.Token));
        }

        var before = File.ReadAllBytes(Path.Combine(folder["run"], "models", "pretrained", "model.safetensors"));
        using (var checkpoint = SafeTensorsFile.Open(Path.Combine(folder["run"], "stages", "tune", "checkpoint.safetensors")))
        {
            Assert.Equal(4 * (dora ? 3 : 2) * 3, checkpoint.Entries.Count);
            Assert.All(checkpoint.Entries, entry => Assert.Contains("lora_", entry.Name, StringComparison.Ordinal));
        }

        var pieced = DistillTests.Run(options, folder["run"], null);
        var whole = DistillTests.Run(options, folder["whole"], null);
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(folder["run"], "models", "pretrained", "model.safetensors")));
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(folder["whole"], "models", "pretrained", "model.safetensors")));
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "understudy_base.json"], Directory.GetFiles(Path.Combine(folder["run"], "models", "teacher-adapter")).Select(Path.GetFileName).Order());
        Assert.False(Directory.Exists(Path.Combine(folder["run"], "models", "teacher")));
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder["whole"], "models", "teacher-adapter", "adapter_model.safetensors")), File.ReadAllBytes(Path.Combine(folder["run"], "models", "teacher-adapter", "adapter_model.safetensors")));
        Assert.Equal(File.ReadAllText(Path.Combine(folder["whole"], "rows", "generated.jsonl")).Replace("whole", "run", StringComparison.Ordinal), File.ReadAllText(Path.Combine(folder["run"], "rows", "generated.jsonl")));
        // How long it took is the one thing that may differ.
        Assert.Equal(whole.Tune! with { Seconds = 0, DataWait = 0 }, pieced.Tune! with { Seconds = 0, DataWait = 0 });
        var losses = MetricLog.Read(Path.Combine(folder["whole"], "metrics.jsonl")).Where(line => line.Stage == "tune" && line.Figures.ContainsKey("loss")).Select(line => line.Figures["loss"]).ToList();
        Assert.True(losses[^1] < losses[0] - 0.2, $"{losses[0]} to {losses[^1]}");

        // The run folder may be moved: the base is found beside the adapter.
        Directory.Move(folder["run"], folder["moved"]);
        Assert.Equal(Path.Combine(folder["moved"], "models", "pretrained"), AdapterFolder.BaseOf(Path.Combine(folder["moved"], "models", "teacher-adapter")));
    }

    [Fact]
    public void A_merged_teacher_is_a_whole_model()
    {
        using var folder = new TemporaryFolder();
        var lora = new LoraOptions { R = 4, TargetModules = ["query_key_value", "dense"] };
        var options = Options(folder, lora) with { Students = [], Arms = [RunArm.Annotated] };
        DistillTests.Run(options, folder["run"], null);
        DistillTests.Run(options with { Teacher = options.Teacher with { Merge = true } }, folder["merged"], null);
        var adapter = Path.Combine(folder["run"], "models", "teacher-adapter");
        MergeAdapter.Run(adapter, AdapterFolder.BaseOf(adapter), folder["by-hand"], Device.CPU);
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder["merged"], "models", "teacher", "model.safetensors")), File.ReadAllBytes(Path.Combine(folder["by-hand"], "model.safetensors")));
        Assert.True(File.Exists(Path.Combine(folder["by-hand"], "tokenizer.json")));
        var (beside, whole) = (DistillTests.Rows(folder["run"], "annotated"), DistillTests.Rows(folder["merged"], "annotated"));
        Assert.All(beside.Zip(whole), pair => Assert.Equal(pair.First.Scores![pair.First.Label!], pair.Second.Scores![pair.First.Label!], 4));
        Assert.StartsWith($"{folder["by-hand"]} is there already.", Assert.Throws<InvalidDataException>(() => MergeAdapter.Run(adapter, AdapterFolder.BaseOf(adapter), folder["by-hand"], Device.CPU)).Message, StringComparison.Ordinal);
        var error = Assert.Throws<InvalidDataException>(() => DistillTests.Run(options with { Teacher = options.Teacher with { Model = adapter } }, folder["again"], null));
        Assert.Equal($"{adapter} holds an adapter, and 'teacher.model' needs a whole model. 'understudy merge {adapter} --output FOLDER' writes one.", error.Message);
    }

    [Theory]
    [InlineData("bert")]
    [InlineData("gpt_neox")]
    public void A_students_adapter_and_head_are_a_folder_that_predicts(string start)
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder, null);
        if (start == "bert")
        {
            var architecture = options.Students[0].Architecture! with { Family = ArchitectureFamily.Bert };
            DistillTests.Run(options with { Students = [options.Students[0] with { Architecture = architecture }], Arms = [RunArm.SeedsOnly] }, folder["first"], null);
        }
        else
        {
            DistillTests.Run(options with { Students = [], Arms = [RunArm.Annotated] }, folder["first"], null);
        }

        var model = Path.Combine(folder["first"], "models", start == "bert" ? "student.seeds_only.1" : "pretrained");
        if (start == "bert")
        {
            // As a language model has it: neither a pooler nor a head.
            List<SafeTensorsSource> tensors;
            using (var file = SafeTensorsFile.Open(Path.Combine(model, "model.safetensors")))
            {
                tensors = [.. file.Entries.Where(entry => !entry.Name.Contains("pooler", StringComparison.Ordinal) && !entry.Name.StartsWith("classifier", StringComparison.Ordinal))
                    .Select(entry => SafeTensorsSource.FromBytes(entry.Name, entry.DType, entry.Shape, file.BytesOf(entry).ToArray()))];
            }

            SafeTensorsWriter.Write(Path.Combine(model, "model.safetensors"), tensors);
        }

        var bytes = File.ReadAllBytes(Path.Combine(model, "model.safetensors"));
        var lora = new LoraOptions { R = 2, LoraAlpha = 4, UseRslora = true, Bias = LoraBias.LoraOnly };
        var student = new StudentOptions { Name = "large", Model = model, Lora = lora, Training = new TrainingOptions { Epochs = 30, BatchSize = 4, LearningRate = 1e-2, KeepBest = false, LogEvery = 1 } };
        DistillTests.Run(options with { Students = [student], Arms = [RunArm.SeedsOnly] }, folder["run"], null);
        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(model, "model.safetensors")));
        var trained = Path.Combine(folder["run"], "models", "large.seeds_only.1");
        Assert.False(File.Exists(Path.Combine(trained, "model.safetensors")));
        Assert.Equal(["buy", "play", "stop"], AdapterFolder.ReadConfig(trained).TaskType == "SEQ_CLS" ? Predicted(trained).Labels.Order() : []);
        var losses = MetricLog.Read(Path.Combine(folder["run"], "metrics.jsonl")).Where(line => line.Stage == "large.seeds_only.1" && line.Figures.ContainsKey("loss")).Select(line => line.Figures["loss"]).ToList();
        Assert.True(losses[0] > 1 && losses.TakeLast(20).Order().ElementAt(10) < 0.75, string.Join(", ", losses));

        // What the run measured, the saved folder says again, and a merged copy too.
        var expected = TestPrediction.Read(Path.Combine(folder["run"], "predictions", "large.seeds_only.1.jsonl"));
        MergeAdapter.Run(trained, AdapterFolder.BaseOf(trained), folder["merged"], Device.CPU);
        Assert.All(new[] { trained, folder["merged"] }, place => Assert.All(
            Predicted(place).Rows.Zip(expected), pair => Assert.Equal(pair.Second.Predicted, pair.First)));
    }

    [Fact]
    public void A_head_of_another_name_than_pefts_two_is_trained_with_the_adapter()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder, null) with { Arms = [RunArm.SeedsOnly] };
        DistillTests.Run(options, folder["first"], null);
        var first = Path.Combine(folder["first"], "models", "student.seeds_only.1");
        var tokenizer = Tokenizer.FromFolder(first);
        int[] ids = [.. tokenizer.Encode("x").Ids];
        var config = TinySequenceToSequence.BartConfig with
        {
            VocabSize = tokenizer.VocabularySize, MaxPositionEmbeddings = 64, EosTokenIds = [ids[^1]], PadTokenId = ids[0], DecoderStartTokenId = ids[^1], Labels = [.. Predicted(first).Labels],
        };
        using (var model = new BartForSequenceClassification(config, new RandomParameters(1, 0.1))) PretrainedFolder.Save(model, folder["bart"], tokenizer);
        var student = new StudentOptions { Name = "large", Model = folder["bart"], Lora = new LoraOptions { R = 2 }, Training = new TrainingOptions { Epochs = 1, BatchSize = 4, LearningRate = 1e-2, KeepBest = false } };
        DistillTests.Run(options with { Students = [student] }, folder["run"], null);

        var trained = Path.Combine(folder["run"], "models", "large.seeds_only.1");
        Assert.Equal(["classification_head.dense", "classification_head.out_proj"], AdapterFolder.ReadConfig(trained).ModulesToSave.Where(name => name.Contains("head", StringComparison.Ordinal)));
        using (var adapter = SafeTensorsFile.Open(Path.Combine(trained, "adapter_model.safetensors")))
        using (var start = SafeTensorsFile.Open(Path.Combine(folder["bart"], "model.safetensors")))
        {
            Assert.True(adapter.TryGet("base_model.model.classification_head.out_proj.weight", out var tuned) && start.TryGet("classification_head.out_proj.weight", out var untuned)
                && !adapter.BytesOf(tuned).SequenceEqual(start.BytesOf(untuned)));
        }

        // As PEFT leaves such a folder: the head says how many labels there are.
        File.Delete(Path.Combine(trained, "config.json"));
        Assert.Equal(Predicted(first).Labels, Predicted(trained).Labels);
    }

    [Fact]
    public void Options_out_of_range_are_named()
    {
        Assert.Equal(
            [
                "lora.r: expected a value from 1 to 65536, found 0.", "lora.lora_alpha: expected more than 0, found 0.", "lora.lora_dropout: expected a value from 0 to below 1, found 1.",
                "lora.target_modules: 'all-linear' stands alone. Remove it or the other names.",
            ],
            new TeacherOptions { Lora = new LoraOptions { R = 0, LoraAlpha = 0, LoraDropout = 1, TargetModules = ["dense", "all-linear"] } }.Validate().Select(fault => fault.ToString()));
        Assert.Equal(["merge"], new TeacherOptions { Merge = true }.Validate().Select(fault => fault.KeyPath));
    }

    private static (IReadOnlyList<string> Labels, List<string> Rows) Predicted(string folder)
    {
        using var student = Predict.Load(folder, Device.CPU);
        var rows = ExampleReader.Read(new DataSourceOptions { Path = Path.Combine(Directory.GetParent(folder)!.FullName, folder.Contains("models", StringComparison.Ordinal) ? "../../test.csv" : "test.csv") }, labelled: false).ToList();
        return (student.Labels, [.. student.Run(rows, new EvaluationOptions(), asTheyCome: false, CancellationToken.None).Select(row => row.Label)]);
    }

    private static RunOptions Options(TemporaryFolder folder, LoraOptions? lora)
    {
        var options = DistillTests.Options(folder);
        return options with { Teacher = options.Teacher with { Lora = lora, Tune = options.Teacher.Tune with { Epochs = 8, LearningRate = 2e-2, LogEvery = 1, SaveEvery = 1 } } };
    }
}
