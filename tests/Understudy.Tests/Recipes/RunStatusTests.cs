using System.Text.RegularExpressions;
using Understudy.Cli.Verbs;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

/// <summary>What a run folder says of itself, at every point of a run.</summary>
[Collection(LiveTensors.Name)]
public sealed class RunStatusTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Run => folder["run"];

    [Fact]
    public void A_pre_training_alone_has_one_stage_and_is_continued_by_its_own_verb()
    {
        using (var run = RunFolder.Open(Run))
        {
            run.Write(RunFile.Parse<RunOptions>("{name: toy, pretrain: {corpus: [{path: c.txt}], training: {max_steps: 30}}}", "toy.yaml"));
            run.Begin("pretrain", Print());
        }

        var status = RunStatus.Read(Run);
        Assert.Equal([("pretrain", StageProgressState.Interrupted)], status.Stages.Select(stage => (stage.Name, stage.State)));
        Assert.EndsWith($" pretrain {Path.Combine(Run, "run.yaml")} --output {Run}\n", StatusVerb.Table(status), StringComparison.Ordinal);
        using (var run = RunFolder.Open(Run)) run.Begin("pretrain", Print()).Finish(new PretrainResult(1000, 30, 4000, 75.5, 2.5, 1.25));
        Assert.EndsWith($"The run is finished: {Path.Combine(Run, "models/pretrained")}.\n", StatusVerb.Table(RunStatus.Read(Run)), StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_run_says_what_is_done_under_way_and_left()
    {
        var file = RunFile.Parse<RunOptions>("""
            name: toy
            data: {train: {path: a.csv}, test: {path: b.csv}}
            pretrain: {corpus: [{path: c.txt}], training: {max_steps: 30}}
            teacher: {tune: {epochs: 3}}
            students: [{name: small, architecture: {family: roberta}}]
            arms: [seeds_only, both]
            """, "toy.yaml");
        using (var run = RunFolder.Open(Run))
        {
            Directory.CreateDirectory(Path.Combine(Run, "stages"));
            Assert.Equal("The run has written no run file yet, so the stages to come are not known.", RunStatus.Read(Run).Note);
            run.Write(file);
            run.Begin("pretrain", Print()).Finish(new PretrainResult(1000, 30, 4000, 75.5, 2.5, 1.25));
            run.Metrics.Append("pretrain", 30, ("loss", 2.25), ("learning_rate", 0.1));
            run.Begin("older", Print());
            var tune = run.Begin("tune", Print());
            Checkpoint(tune.Folder, new TrainingProgress { Step = 7, Epoch = 1, StepInEpoch = 2, Seconds = 12, Loss = 0.5 });
            run.Metrics.Append("tune", 9, ("loss", 0.4375), ("grad_norm", 1), ("validation_accuracy", 0.5));

            var now = RunStatus.Read(Run);
            Assert.Equal($"process {Environment.ProcessId} on '{Environment.MachineName}'", now.Process);
            Assert.Equal(
                $"""
                stage | state | progress | figures
                pretrain | done | 30 steps, 1:15 | loss 2.250
                tune | running | at step 9 of 15, 0:12 | loss 0.438, validation_accuracy 50.0%
                evaluate-teacher | not begun
                annotate | not begun
                filter-annotated | not begun
                generate | not begun
                filter-generated | not begun
                small.seeds_only.1 | not begun
                small.seeds_only.1.evaluate | not begun
                small.both.1 | not begun
                small.both.1.evaluate | not begun
                older | interrupted
                Under way: process {Environment.ProcessId} on '{Environment.MachineName}' has the folder.

                """.ReplaceLineEndings("\n"), Regex.Replace(StatusVerb.Table(now), " {2,}", " | "));
            run.Begin("filter-generated", Print());
            var annotate = run.Begin("annotate", Print());
            File.WriteAllText(Path.Combine(annotate.Folder, "scores.jsonl"), "{}\n{}\n{\"torn");
            Assert.Equal(["annotate"], RunStatus.Read(Run).Stages.Where(stage => stage.State == StageProgressState.Running).Select(stage => stage.Name));
            Assert.Equal(StageProgressState.NotBegun, RunStatus.Read(Run).Stages.Single(stage => stage.Name == "filter-generated").State);
        }

        var before = Listing();
        var stopped = RunStatus.Read(Run);
        Assert.Null(stopped.Process);
        Assert.Equal((StageProgressState.Interrupted, 7, 15, 2, 12.0), stopped.Stages.Where(stage => stage.Name == "tune").Select(stage => (stage.State, stage.Step, stage.TotalSteps, stage.Epoch, stage.Seconds)).Single());
        Assert.Equal((StageProgressState.Interrupted, 2), stopped.Stages.Where(stage => stage.Name == "annotate").Select(stage => (stage.State, stage.Rows)).Single());
        Assert.False(stopped.Finished);
        Assert.EndsWith($"No process is at it. To continue: understudy run {Run}/run.yaml --output {Run}\n", StatusVerb.Table(stopped), StringComparison.Ordinal);
        Assert.Equal(before, Listing());
    }

    [Fact]
    public void A_run_folder_cannot_command_the_terminal()
    {
        var text = StatusVerb.Table(new RunStatus("/run", "a", "process 1 on 'x\u001b[2J'", false, [], "The run file says '\u001b[31m'."));
        Assert.Contains("The run file says '?[31m'.\nUnder way: process 1 on 'x?[2J' has the folder.\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_no_run_is_the_place_to_look_is_named()
    {
        Directory.CreateDirectory(folder["demo"]);
        File.WriteAllText(folder["file"], "");
        const string Cure = " Name the folder that the run writes to: 'output' in the run file, otherwise runs/ and its name.";
        Assert.Equal($"{folder["dem"]}: there is no such folder. Did you mean 'demo'?{Cure}", Refused(folder["dem"]));
        Assert.Equal($"{folder["file"]}: expected a run folder, found a file.{Cure}", Refused(folder["file"]));
        Assert.Equal($"{folder["demo"]}: expected a run folder with run.yaml and stages/, found neither.{Cure}", Refused(folder["demo"]));
    }

    [Fact]
    public void A_run_file_of_another_version_hides_only_what_is_to_come()
    {
        using (var run = RunFolder.Open(Run))
            run.Begin("tune", Print());
        File.WriteAllText(Path.Combine(Run, "run.yaml"), "name: a\nnew_key: 1\ndata: {train: {path: a}}\n");
        var status = RunStatus.Read(Run);
        Assert.Equal("tune", Assert.Single(status.Stages).Name);
        Assert.StartsWith($"The stages to come are not known, because this version cannot read the run file: {Run}/run.yaml(2,1): unknown key 'new_key'.", status.Note, StringComparison.Ordinal);
    }

    private static string Refused(string path) => Assert.Throws<InvalidDataException>(() => RunStatus.Read(path)).Message;

    private static Fingerprint Print() => new Fingerprint().Add("seed", "1");

    private string[] Listing() => [.. Directory.EnumerateFileSystemEntries(Run, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => $"{path} {File.GetLastWriteTimeUtc(path).Ticks}")];

    private static void Checkpoint(string folder, TrainingProgress progress)
    {
        var config = new BertConfig { ModelType = "roberta", VocabSize = 10, HiddenSize = 4, NumHiddenLayers = 1, NumAttentionHeads = 1, IntermediateSize = 4, MaxPositionEmbeddings = 8, PadTokenId = 1, Labels = ["a", "b"] };
        using var model = AutoModel.NewSequenceClassifier(config, seed: 1);
        using var optimizer = new AdamW(model.Parameters, 0, null, 0.9, 0.999, 1e-8);
        TrainingCheckpoint.Save(Path.Combine(folder, "checkpoint.safetensors"), model.Parameters, optimizer, progress);
    }
}
