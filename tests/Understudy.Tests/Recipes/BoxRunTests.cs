using Understudy.Box;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Tests.Box;
using Understudy.Tests.Hub;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

/// <summary>Runs that begin with models of the box.</summary>
[Collection(LiveTensors.Name)]
public sealed class BoxRunTests : IDisposable
{
    private const string Yaml = """
        name: demo
        data: {train: {path: train.jsonl}}
        teacher: {model: 'box://neox-mini'}
        students: [{name: small, model: box://roberta-mini}]
        """;

    private readonly TemporaryFolder folder = new();
    private readonly HubFixture hub = new();

    public void Dispose()
    {
        hub.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void The_resolved_run_file_keeps_the_name_and_the_content_counts()
    {
        TinyBox.Fill(folder["box"]);
        File.WriteAllText(folder["train.jsonl"], "");
        var read = Read(Yaml);
        read.CheckInputs();
        Assert.Equal(("box://neox-mini", "box://roberta-mini"), (read.Options.Teacher.Model, read.Options.Students[0].Model));
        Assert.Contains("model: \"box://neox-mini\"\n", read.ToYaml(), StringComparison.Ordinal);
        Assert.Equal("box://neox-mini", RunFile.Parse<RunOptions>(read.ToYaml(), "/elsewhere/run.yaml", [], Environment).Options.Teacher.Model);
        Assert.Equal("box://bart-mini", RunFile.Parse<RunOptions>(Yaml, folder["a.yaml"], ["teacher.model=box://bart-mini"], Environment).Options.Teacher.Model);
        Assert.Empty(read.HubInputs);
        Assert.Equal(ContentHash.Of(Path.Combine(folder["box"], "neox-mini")), read.HashInputs()["teacher.model"]);
    }

    [Theory]
    [InlineData("box://neox-mini", "box://noex-mini", "There is no model 'noex-mini' in the box. Did you mean 'neox-mini'? Looked in BOX, found neox-mini. UNDERSTUDY_MODELS names another folder.")]
    [InlineData("box://neox-mini", "neox-mini", "there is no file or folder 'HERE/neox-mini'. Relative paths start at the run file's folder (those of --set at the current directory). It is no name on the Hub either, which is hf://OWNER/NAME or hf://OWNER/NAME@REVISION (letters, digits, '-', '_' and '.'). The box has a model of that name: write 'box://neox-mini'.")]
    [InlineData("box://neox-mini", "box://../box/neox-mini", "expected box://NAME (lower-case letters, digits, '-', '_' and '.'), found 'box://../box/neox-mini'.")]
    [InlineData("box://neox-mini", "Box://neox-mini", "expected box://NAME (lower-case letters, digits, '-', '_' and '.'), found 'Box://neox-mini'.")]
    public void A_name_that_is_none_or_not_there_is_a_fault_with_its_place(string right, string wrong, string message)
    {
        Directory.CreateDirectory(Path.Combine(folder["box"], "neox-mini"));
        File.WriteAllText(folder["train.jsonl"], "");
        var text = Yaml.Replace(right, wrong, StringComparison.Ordinal).Replace("\nstudents: [{name: small, model: box://roberta-mini}]", "", StringComparison.Ordinal);
        var error = Assert.Throws<RunFileException>(() => Read(text + "\nstudents: [{name: s, architecture: {family: roberta}}]").CheckInputs());
        Assert.Equal($"{folder["a.yaml"]}(3,18): teacher.model: {message.Replace("BOX", folder["box"], StringComparison.Ordinal).Replace("HERE", folder.FullName, StringComparison.Ordinal)}", error.Message);
    }

    [Fact]
    public void A_student_from_the_box_is_trained_again_when_its_folder_has_changed()
    {
        var box = TinyBox.Fill(folder["box"]);
        var options = DistillTests.Options(folder) with
        {
            Pretrain = null,
            Arms = [RunArm.SeedsOnly],
            Students = [new StudentOptions { Name = "student", Model = "box://roberta-mini", Training = new TrainingOptions { MaxSteps = 2, BatchSize = 4, KeepBest = false } }],
        };
        using (var models = new ModelFolders(hub.Client, box))
            Assert.Equal(["student.seeds_only"], Plan.Run(options with { Output = folder["run"], Data = options.Data! with { Test = null } }, new PlanOptions { Seconds = 1 }, Device.CPU, models, RunProgress.None, default).Stages.Select(stage => stage.Name));
        var progress = new DistillTests.CountingProgress(null);
        Run(options, box, progress);
        Run(options, box, progress);
        // The same content somewhere else is the same model.
        Directory.Move(folder["box"], folder["moved"]);
        Run(options, new ModelBox(folder["moved"]), progress);
        Assert.Equal(["student.seeds_only.1"], progress.Stages);
        Assert.True(File.Exists(Path.Combine(folder["run"], "models", "student.seeds_only.1", "tokenizer_config.json")));

        File.AppendAllText(Path.Combine(folder["moved"], "roberta-mini", "config.json"), "\n");
        Run(options, new ModelBox(folder["moved"]), progress);
        Assert.Equal(["student.seeds_only.1", "student.seeds_only.1"], progress.Stages);
    }

    [Fact]
    public void An_adapter_on_a_model_of_the_box_finds_it_wherever_the_box_lies()
    {
        var box = TinyBox.Fill(folder["box"]);
        var options = DistillTests.Options(folder) with { Arms = [RunArm.Annotated], Students = [], Pretrain = null };
        options = options with { Teacher = options.Teacher with { Model = "box://neox-mini", Lora = new LoraOptions { R = 2 }, Tune = options.Teacher.Tune with { MaxSteps = 2 } } };
        Assert.Equal(2, Run(options, box, null).Tune!.Steps);
        var adapter = Path.Combine(folder["run"], "models", "teacher-adapter");
        Assert.Equal("box://neox-mini", AdapterFolder.ReadConfig(adapter).BaseModelNameOrPath);

        Directory.Move(folder["box"], folder["moved"]);
        using var models = new ModelFolders(hub.Client, new ModelBox(folder["moved"]));
        var found = models.FetchBase(adapter, RunProgress.None, default);
        Assert.Equal(Path.Combine(folder["moved"], "neox-mini"), found);
        Assert.True(MergeAdapter.Run(adapter, found, folder["merged"], Device.CPU) > 0);
        Assert.True(File.Exists(Path.Combine(folder["merged"], "tokenizer_config.json")));
    }

    [Fact]
    public void A_base_that_the_box_lacks_is_named()
    {
        Directory.CreateDirectory(Path.Combine(folder["box"], "neox-mini"));
        Directory.CreateDirectory(folder["adapter"]);
        var file = Path.Combine(folder["adapter"], "adapter_config.json");
        void Name(string name) => File.WriteAllText(file, $$"""{"peft_type": "LORA", "r": 2, "target_modules": ["dense"], "base_model_name_or_path": "{{name}}"}""");
        using var models = new ModelFolders(hub.Client, new ModelBox(folder["box"]));
        string Found() => models.FetchBase(folder["adapter"], RunProgress.None, default);

        Name("box://../neox-mini");
        Assert.Equal(
            $"{file}: 'base_model_name_or_path': expected box://NAME (lower-case letters, digits, '-', '_' and '.'), found 'box://../neox-mini'.",
            Assert.Throws<InvalidDataException>(Found).Message);
        Name("box://neox-mimi");
        Assert.Equal(
            $"{file}: the base model 'box://neox-mimi' is not there ('base_model_name_or_path'). There is no model 'neox-mimi' in the box. Did you mean 'neox-mini'? Looked in {folder["box"]}, found neox-mini. UNDERSTUDY_MODELS names another folder.",
            Assert.Throws<InvalidDataException>(Found).Message);
        // A folder of the same name beside the adapter does as well, so that both can be given away together.
        Directory.CreateDirectory(folder["neox-mimi"]);
        File.WriteAllText(Path.Combine(folder["neox-mimi"], "config.json"), "{}");
        Assert.Equal(folder["neox-mimi"], Found());
    }

    private string? Environment(string name) => name == "UNDERSTUDY_MODELS" ? folder["box"] : null;

    private RunFile<RunOptions> Read(string text) => RunFile.Parse<RunOptions>(text, folder["a.yaml"], [], Environment);

    private RunResult Run(RunOptions options, ModelBox box, IRunProgress? progress)
    {
        using var run = RunFolder.Open(folder["run"]);
        using var models = new ModelFolders(hub.Client, box);
        return Distill.Run(options, new RunContext(run, progress ?? RunProgress.None, Device.CPU, default) { Models = models });
    }
}
