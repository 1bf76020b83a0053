using System.Text.Json;
using Understudy.Data;
using Understudy.Generation;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Synthesis;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

/// <summary>A whole run at toy size: pre-training, tuning, annotating, generating, two arms of a student.</summary>
[Collection(LiveTensors.Name)]
public sealed class DistillTests
{
    private static readonly string[] Verbs = ["play", "stop", "buy"];
    private static readonly string[] Things = ["music", "radio", "songs", "jazz", "news", "bread", "milk", "tea", "coffee", "games", "films", "books"];

    [Fact]
    public void A_run_gives_rows_models_and_figures_and_is_not_repeated()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder);
        var result = Run(options, folder["run"], null);
        Assert.Equal(9, result.Seeds);
        Assert.Equal(["seeds_only", "both"], result.Arms.Select(arm => arm.Arm));
        Assert.Equal(result.Seeds + result.Annotated!.Kept + result.Generated!.Kept, result.Arms[1].TrainRows);
        Assert.Equal(9, result.Arms[0].TrainRows);
        Assert.NotNull(result.Annotated.Accuracy);
        Assert.All(result.Arms, arm => Assert.Equal(9, arm.Test!.Rows));
        Assert.True(File.Exists(Path.Combine(folder["run"], "models", "student.both.1", "model.safetensors")));
        Assert.Contains("The student trained on ", File.ReadAllText(Path.Combine(folder["run"], Report.FileName)), StringComparison.Ordinal);
        Assert.All(Rows(folder["run"], "annotated"), row => Assert.Equal(1, row.Scores!.Values.Sum(), 6));

        Assert.Equal([("student", "both"), ("student", "teacher")], result.Comparisons.Select(one => (one.Student, one.Arm)));
        Assert.Equal(result.Arms[1].Test!.Accuracy - result.Arms[0].Test!.Accuracy, result.Comparisons[0].Difference, 12);
        Assert.Equal(JsonSerializer.Serialize(result), JsonSerializer.Serialize(RunResult.Read(AsRunFolder(folder["run"]))));
        var predictions = TestPrediction.Read(Path.Combine(folder["run"], "predictions", "student.both.1.jsonl"));
        Assert.Equal(result.Arms[1].Test!.Accuracy, predictions.Average(row => row.Right ? 1 : 0), 12);
        Assert.Equal(result.Arms[1].Test!.LogLoss, predictions.Average(row => -Math.Log(row.LabelProbability)), 12);

        var again = new CountingProgress(null);
        Run(options, folder["run"], again);
        Assert.Equal(0, again.Started);
        Assert.Empty(StillOpen(folder.FullName));

        File.Delete(Path.Combine(folder["run"], "predictions", "student.both.1.jsonl"));
        Assert.Equal(JsonSerializer.Serialize(result), JsonSerializer.Serialize(Run(options, folder["run"], null)));
        Assert.Equal(predictions, TestPrediction.Read(Path.Combine(folder["run"], "predictions", "student.both.1.jsonl")));
    }

    [Fact]
    public void A_run_interrupted_again_and_again_ends_as_an_undisturbed_one()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder);
        var whole = Run(options, folder["whole"], null);
        RunResult? pieced = null;
        var interruptions = 0;
        for (var attempt = 0; pieced is null; attempt++)
        {
            using var cancel = new CancellationTokenSource();
            try
            {
                pieced = Run(options, folder["pieced"], new CountingProgress(cancel, 5 + (attempt * 3)), cancel.Token);
            }
            catch (OperationCanceledException)
            {
                interruptions++;
            }
        }

        Assert.True(interruptions >= 5, $"only {interruptions} interruptions");
        Assert.Equal(File.ReadAllText(Path.Combine(folder["whole"], "rows", "annotated.jsonl")), File.ReadAllText(Path.Combine(folder["pieced"], "rows", "annotated.jsonl")));
        Assert.Equal(File.ReadAllText(Path.Combine(folder["whole"], "rows", "generated.jsonl")), File.ReadAllText(Path.Combine(folder["pieced"], "rows", "generated.jsonl")));
        Assert.All(["pretrained", "teacher", "student.seeds_only.1", "student.both.1"], name => Assert.Equal(
            File.ReadAllBytes(Path.Combine(folder["whole"], "models", name, "model.safetensors")),
            File.ReadAllBytes(Path.Combine(folder["pieced"], "models", name, "model.safetensors"))));
        // How long it took is the one thing that may differ.
        Assert.Equal(whole.Tune! with { Seconds = 0, DataWait = 0 }, pieced.Tune! with { Seconds = 0, DataWait = 0 });
        Assert.Equal(JsonSerializer.Serialize(new { whole.Teacher, whole.Arms, whole.Comparisons }), JsonSerializer.Serialize(new { pieced.Teacher, pieced.Arms, pieced.Comparisons }));
        Assert.All(["teacher", "student.seeds_only.1", "student.both.1"], name => Assert.Equal(
            File.ReadAllBytes(Path.Combine(folder["whole"], "predictions", $"{name}.jsonl")),
            File.ReadAllBytes(Path.Combine(folder["pieced"], "predictions", $"{name}.jsonl"))));
    }

    [Fact]
    public void A_stop_loses_no_step()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder) with { Arms = [RunArm.SeedsOnly], Pretrain = null };
        options = options with { Students = [options.Students[0] with { Training = options.Students[0].Training with { SaveEvery = 1000 } }] };
        using var cancel = new CancellationTokenSource();
        // Learning the tokenizer reports nothing on so few texts; the training says where it begins, then each step.
        Assert.Throws<OperationCanceledException>(() => Run(options, folder["run"], new CountingProgress(cancel, 1 + 4), cancel.Token));
        var again = new CountingProgress(null);
        Run(options, folder["run"], again);
        Assert.Equal(4, again.First);
    }

    [Fact]
    public void A_changed_student_repeats_the_student_alone()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder);
        Run(options, folder["run"], null);
        var student = options.Students[0] with { Training = options.Students[0].Training with { LearningRate = 2e-3 } };
        var progress = new CountingProgress(null);
        Run(options with { Students = [student] }, folder["run"], progress);
        Assert.Equal(["learn tokenizer", "student.seeds_only.1", "learn tokenizer", "student.both.1"], progress.Stages);
    }

    /// <summary>The files below a folder that this process has open or mapped.</summary>
    private static List<string> StillOpen(string folder) =>
    [
        .. Directory.EnumerateFiles("/proc/self/fd").Select(handle => new FileInfo(handle).LinkTarget ?? "").Where(file => file.StartsWith(folder, StringComparison.Ordinal)),
        .. File.ReadLines("/proc/self/maps").Where(mapping => mapping.Contains(folder, StringComparison.Ordinal)),
    ];

    internal static RunResult Run(RunOptions options, string path, CountingProgress? progress, CancellationToken cancel = default)
    {
        using var run = RunFolder.Open(path);
        return Distill.Run(options, new RunContext(run, progress ?? RunProgress.None, Device.CPU, cancel));
    }

    // The program writes the run file; a recipe alone does not.
    private static string AsRunFolder(string path)
    {
        File.WriteAllText(Path.Combine(path, "run.yaml"), "");
        return path;
    }

    internal static IReadOnlyList<SyntheticRow> Rows(string run, string name)
    {
        using var journal = Journal<SyntheticRow>.Open(Path.Combine(run, "rows", $"{name}.jsonl"), row => row.Id);
        return journal.Read();
    }

    internal static RunOptions Options(TemporaryFolder folder)
    {
        WriteRows(folder["train.csv"], 0, 8);
        WriteRows(folder["test.csv"], 8, 11);
        return new RunOptions
        {
            Name = "toy",
            Seed = 4,
            Data = new DataOptions
            {
                Columns = new ColumnMap { Id = "id", Text = "text", Label = "label" },
                Train = new DataSourceOptions { Path = folder["train.csv"] },
                Test = new DataSourceOptions { Path = folder["test.csv"] },
                FewShot = new FewShotOptions { PerLabel = 3 },
                UnlabelledFromTrain = true,
            },
            Pretrain = new PretrainOptions
            {
                Corpus = [],
                UnlabelledRepeats = 30,
                HeldOut = 0.05,
                Tokenizer = new TokenizerTrainingOptions { VocabularySize = 300 },
                Architecture = new ArchitectureOptions { Family = ArchitectureFamily.GptNeox, NumHiddenLayers = 1, HiddenSize = 16, NumAttentionHeads = 2, MaxPositionEmbeddings = 64, Dropout = 0.1 },
                Training = new TrainingOptions { MaxSteps = 12, BatchSize = 4, MaxLength = 32, LearningRate = 1e-2, SaveEvery = 5, KeepBest = false },
            },
            Teacher = new TeacherOptions { Tune = new TrainingOptions { Epochs = 5, BatchSize = 4, LearningRate = 5e-3, SaveEvery = 4, KeepBest = false } },
            Annotate = new AnnotateOptions { BatchSize = 4 },
            Generate = new GenerateOptions { PerLabel = 3, MaxAttempts = 3, SamplesPerPrompt = 2, Sampling = new SamplingOptions { MaxNewTokens = 12 } },
            Students =
            [
                new StudentOptions
                {
                    Name = "student",
                    Architecture = new ArchitectureOptions { Family = ArchitectureFamily.Roberta, NumHiddenLayers = 1, HiddenSize = 16, NumAttentionHeads = 2, MaxPositionEmbeddings = 64 },
                    Tokenizer = new TokenizerTrainingOptions { VocabularySize = 300 },
                    Training = new TrainingOptions { Epochs = 3, BatchSize = 4, LearningRate = 1e-3, SaveEvery = 2, KeepBest = false },
                },
            ],
            Arms = [RunArm.SeedsOnly, RunArm.Both],
        };
    }

    private static void WriteRows(string path, int first, int end) =>
        File.WriteAllLines(path, ["id,text,label", .. Verbs.SelectMany(verb => Things[first..end].Select(thing => $"{verb}-{thing},please {verb} some {thing},{verb}"))]);

    /// <summary>Cancels after so many reports of progress.</summary>
    internal sealed class CountingProgress(CancellationTokenSource? cancel, int after = int.MaxValue) : IRunProgress, IStageProgress
    {
        private int left = after;

        public List<string> Stages { get; } = [];

        public int Started => Stages.Count;

        public long? First { get; private set; }

        public IStageProgress Start(string name, long? total, string unit)
        {
            Stages.Add(name);
            return this;
        }

        public void Note(string text)
        {
        }

        public void Advance(long count, double? loss = null, string? detail = null)
        {
            First ??= count;
            if (--left == 0)
            {
                cancel?.Cancel();
            }
        }

        public void Finish(string summary = "")
        {
        }

        public void Dispose()
        {
        }
    }
}
