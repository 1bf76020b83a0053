using Understudy.Data;
using Understudy.Runs;
using Understudy.Synthesis;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>What of a run is done already: its folder is compared with the fingerprints that the run would have now, and left as it is.</summary>
internal sealed class PlanFinished
{
    private readonly string run;
    private readonly Dictionary<string, StageState> states = [];

    private PlanFinished(string run) => this.run = run;

    /// <summary>Looks at a run folder.</summary>
    public static PlanFinished Of(RunOptions options, DataSets data, Fingerprint dataPrint, RunContext context)
    {
        var finished = new PlanFinished(options.OutputFolder);
        if (Directory.Exists(Path.Combine(finished.run, "stages"))) finished.Look(options, data, dataPrint, context);
        return finished;
    }

    /// <summary>Whether a stage is done.</summary>
    public bool Has(string stage) => states.GetValueOrDefault(stage) == StageState.Finished;

    /// <summary>Where an interrupted training goes on; null for one that begins.</summary>
    public TrainingProgress? ProgressOf(string stage) => states.GetValueOrDefault(stage) == StageState.Interrupted
        ? TrainingCheckpoint.ReadProgress(Path.Combine(run, "stages", stage, TrainingCheckpoint.CheckpointName))
        : null;

    /// <summary>The folder of a model that is there; null when it is still to be made.</summary>
    public string? Model(string stage, string name) => Has(stage) ? Path.Combine(run, "models", name) : null;

    /// <summary>The rows that a finished stage of the teacher kept; null when it is still to come.</summary>
    public IReadOnlyList<Example>? Kept(string stage, string rows, bool softLabels) =>
        Has(stage) ? Distill.Examples(JsonRows.Read<SyntheticRow>(Path.Combine(run, "rows", $"{rows}.jsonl")), softLabels) : null;

    private void Look(RunOptions options, DataSets data, Fingerprint dataPrint, RunContext context)
    {
        var rows = new Dictionary<RunArm, Fingerprint> { [RunArm.SeedsOnly] = dataPrint };
        if (options.Annotates || options.Generates)
        {
            Fingerprint model;
            if (options.Teacher.Model is { } named)
            {
                model = Distill.ModelPrint(named, context);
            }
            else
            {
                model = Pretrain.FingerprintOf(options.Pretrain!, data, options.Seed, context);
                Note(Pretrain.StageName, model, "models/pretrained");
            }

            var tuned = FineTuneTeacher.FingerprintOf(options.Teacher, options.Generates, options.Seed, Distill.TunedOn(model, dataPrint));
            Note(FineTuneTeacher.StageName, tuned, $"models/{FineTuneTeacher.FolderName(options.Teacher)}");
            Note("evaluate-teacher", Distill.TeacherTestPrint(options, tuned), "predictions/teacher.jsonl");
            var (scores, annotated) = Annotate.FingerprintsOf(options.Annotate, options.Seed, tuned);
            Note(Annotate.StageName, scores);
            Note(Annotate.FilterStageName, annotated, "rows/annotated.jsonl");
            var (texts, generated) = Generate.FingerprintsOf(options.Generate, options.Annotate, options.Generate.Sampling.Seed ?? options.Seed, tuned);
            Note(Generate.StageName, texts);
            Note(Generate.FilterStageName, generated, "rows/generated.jsonl");
            (rows[RunArm.Annotated], rows[RunArm.Generated], rows[RunArm.Both]) = (annotated, generated, Distill.BothPrint(annotated, generated));
        }

        foreach (var student in options.Students)
        {
            foreach (var (arm, repeat) in options.Arms.SelectMany(arm => Enumerable.Range(1, options.Repeats).Select(repeat => (arm, repeat))))
            {
                var name = ArmResult.NameOf(student.Name, arm, repeat);
                var training = student.TrainingOn(arm);
                var print = TrainStudent.FingerprintOf(student, training, Distill.SeedOf(options, training, repeat), Distill.TrainedOn(rows[arm], dataPrint), context);
                Note(name, print, $"models/{name}");
                Note($"{name}.evaluate", Distill.StudentTestPrint(options, print), $"predictions/{name}.jsonl");
            }
        }
    }

    private void Note(string stage, Fingerprint print, params ReadOnlySpan<string> outputs) => states[stage] = RunFolder.Look(run, stage, print, outputs);
}
