using Understudy.Hub;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Tests.Hub;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

/// <summary>Models that a run begins with: folders, and names on the Hub.</summary>
[Collection(LiveTensors.Name)]
public sealed class ModelFoldersTests : IDisposable
{
    private const string Small = """
        name: demo
        data: {train: {path: train.jsonl}}
        teacher: {model: models/teacher}
        students: [{name: small, model: small}, {name: other, model: 'hf://a/b@v1'}]
        """;

    private readonly TemporaryFolder folder = new();
    private readonly HubFixture hub = new();

    public void Dispose()
    {
        hub.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void A_folder_that_is_there_goes_before_a_name_on_the_Hub()
    {
        RunFile<RunOptions> Read() => RunFile.Parse<RunOptions>(Small, folder["a.yaml"], [], _ => null);
        var onHub = Read();
        Assert.Equal(("hf://models/teacher", folder["small"], "hf://a/b@v1"), (onHub.Options.Teacher.Model, onHub.Options.Students[0].Model, onHub.Options.Students[1].Model));
        Assert.Equal(["teacher.model", "students[1].model"], onHub.HubInputs.Select(input => input.KeyPath));
        File.WriteAllText(folder["train.jsonl"], "");
        Assert.Equal(
            $"{folder["a.yaml"]}(4,33): students[0].model: there is no file or folder '{folder["small"]}'. Relative paths start at the run file's folder (those of --set at the current directory). It is no name on the Hub either, which is hf://OWNER/NAME or hf://OWNER/NAME@REVISION (letters, digits, '-', '_' and '.').",
            Assert.Throws<RunFileException>(onHub.CheckInputs).Message);

        Directory.CreateDirectory(folder["models/teacher"]);
        Directory.CreateDirectory(folder["small"]);
        var local = Read();
        local.CheckInputs();
        Assert.Equal((folder["models/teacher"], folder["small"]), (local.Options.Teacher.Model, local.Options.Students[0].Model));
        Assert.Equal(["data.train.path", "students[0].model", "teacher.model"], local.HashInputs().Keys);
        Assert.Equal(onHub.Options.Students[1].Model, RunFile.Parse<RunOptions>(onHub.ToYaml(), "/elsewhere/run.yaml", [], _ => null).Options.Students[1].Model);
        Assert.Equal("hf://models/teacher", RunFile.Parse<RunOptions>(onHub.ToYaml(), folder["run.yaml"], [], _ => null).Options.Teacher.Model);
    }

    [Fact]
    public void What_says_that_it_is_a_name_and_is_none_is_a_fault() => Assert.Equal(
        "/work/a.yaml(3,18): teacher.model: expected hf://OWNER/NAME or hf://OWNER/NAME@REVISION (letters, digits, '-', '_' and '.'), found 'hf://gpt2'.",
        Assert.Throws<RunFileException>(() => RunFile.Parse<RunOptions>(Small.Replace("models/teacher", "'hf://gpt2'", StringComparison.Ordinal), "/work/a.yaml", [], _ => null)).Message);

    [Fact]
    public void Both_readings_are_in_the_message()
    {
        using var models = new ModelFolders(hub.Client);
        hub.Server.Instead = _ => new HubAnswer(404, []);
        Assert.Equal(
            $"There is no folder '{Path.GetFullPath("owner/nothing")}'. As a name on the Hub, hf://owner/nothing: 127.0.0.1 has no repository 'owner/nothing' with a revision 'main' (404). Check the name. Did you mean a local folder?",
            Assert.Throws<HubException>(() => models.Fetch("owner/nothing", RunProgress.None, default)).Message);
        Assert.StartsWith("hf://owner/nothing: ", Assert.Throws<HubException>(() => models.Fetch("hf://owner/nothing", RunProgress.None, default)).Message, StringComparison.Ordinal);
        Assert.Equal(
            $"There is no folder '{Path.GetFullPath("nothing")}'. It is no name on the Hub either, which is hf://OWNER/NAME or hf://OWNER/NAME@REVISION (letters, digits, '-', '_' and '.').",
            Assert.Throws<InvalidDataException>(() => models.Fetch("nothing", RunProgress.None, default)).Message);
        Assert.Equal(folder.FullName, models.Fetch(folder.FullName, RunProgress.None, default));
    }

    [Fact]
    public void A_branch_that_moves_does_so_for_the_next_run()
    {
        using var models = new ModelFolders(hub.Client);
        Assert.Equal(HubServer.Commit, models.Find("owner/tiny-model", RunProgress.None, default)!.Commit);
        hub.Server.Sha = new string('d', 40);
        Assert.Equal(HubServer.Commit, models.Find("hf://owner/tiny-model@main", RunProgress.None, default)!.Commit);
        using var later = new ModelFolders(hub.Client);
        Assert.Equal(hub.Server.Sha, later.Find("owner/tiny-model", RunProgress.None, default)!.Commit);
    }

    [Fact]
    public void A_student_from_the_Hub_is_trained_again_when_its_branch_has_moved()
    {
        ServeClassifier(hub.Server);
        var options = DistillTests.Options(folder) with
        {
            Pretrain = null,
            Arms = [RunArm.SeedsOnly],
            Students = [new StudentOptions { Name = "student", Model = "owner/tiny-model", Training = new TrainingOptions { MaxSteps = 2, BatchSize = 4, KeepBest = false } }],
        };
        var first = new DistillTests.CountingProgress(null);
        var result = Run(options, first);
        Assert.Equal(["download owner/tiny-model", "student.seeds_only.1"], first.Stages);
        Assert.NotNull(result.Arms[0].Test);
        var again = new DistillTests.CountingProgress(null);
        Run(options, again);
        Assert.Empty(again.Stages);

        // Nothing is downloaded for a stage that is finished, even when the cache is gone.
        Directory.Delete(hub.Cache, recursive: true);
        Run(options, again);
        Assert.Empty(again.Stages);

        hub.Server.Sha = new string('e', 40);
        var moved = new DistillTests.CountingProgress(null);
        Run(options, moved);
        Assert.Equal(["download owner/tiny-model", "student.seeds_only.1"], moved.Stages);
    }

    [Fact]
    public void A_teacher_may_come_from_the_Hub()
    {
        var options = DistillTests.Options(folder) with { Arms = [RunArm.Annotated], Students = [] };
        options = options with { Teacher = options.Teacher with { Tune = options.Teacher.Tune with { MaxSteps = 2 } } };
        DistillTests.Run(options, folder["pretrained"], null);
        Serve(hub.Server, folder["pretrained/models/pretrained"]);
        options = options with { Pretrain = null, Teacher = options.Teacher with { Model = "hf://owner/tiny-model" } };
        var tuned = Run(options, null);
        Assert.Equal(2, tuned.Tune!.Steps);
        Assert.Null(tuned.Pretrain);
        var again = new DistillTests.CountingProgress(null);
        Run(options, again);
        Assert.Empty(again.Stages);
        hub.Server.Sha = new string('e', 40);
        Run(options, again);
        // The weights are in the cache, as another commit's.
        Assert.Equal(["tune teacher", "evaluate teacher", "annotate"], again.Stages);
    }

    internal static void ServeClassifier(HubServer server)
    {
        using var saved = new TemporaryFolder();
        var config = new BertConfig { ModelType = "roberta", VocabSize = 901, HiddenSize = 8, NumHiddenLayers = 1, NumAttentionHeads = 2, IntermediateSize = 16, MaxPositionEmbeddings = 34, PadTokenId = 1, Labels = ["alarm", "music"] };
        using (var model = AutoModel.NewSequenceClassifier(config, seed: 1))
            PretrainedFolder.Save(model, saved.FullName);
        File.Copy("Fixtures/tokenizers/roberta-style/tokenizer.json", saved["tokenizer.json"]);
        Serve(server, saved.FullName);
    }

    private static void Serve(HubServer server, string model)
    {
        foreach (var file in Directory.EnumerateFiles(model))
            server.Files[Path.GetFileName(file)] = File.ReadAllBytes(file);
    }

    private RunResult Run(RunOptions options, IRunProgress? progress)
    {
        using var run = RunFolder.Open(folder["run"]);
        using var models = new ModelFolders(hub.Client);
        return Distill.Run(options, new RunContext(run, progress ?? RunProgress.None, Device.CPU, default) { Models = models });
    }
}
